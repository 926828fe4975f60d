import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import {
  claimAll,
  complete,
  disposing,
  type PostgresRig,
  postgresRigs,
} from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { CHUNK_BYTES_MAX, type CommandUpdate, commandId, type ParkedDraft } from '../../domain/index.js'
import type { PostgresStore } from './index.js'

const SCHEDULED: ParkedDraft = { state: 'scheduled', nextAt: 1, attempts: 0, error: null }

requireServer(describe, 'postgres')('promoting', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  function promote(rig: PostgresRig, store: PostgresStore = rig.store, limit = 1_000): Promise<number> {
    return store.promote({ limit, chunkCommandsMax: 100, newChunkId: () => rig.draft().id })
  }

  it('keeps payloads letter by letter', async () => {
    const rig = await rigs()
    const texts = ['1.0', '12345678901234567890', '{ "b" : 1, "b" : 2 }', '"\\u0000\\ud800 ä😀"', '[[],{}]']
    const draft = {
      ...rig.draft(),
      body: `[${texts.join(' , ')}]`,
      size: texts.length,
      parked: texts.map(() => SCHEDULED),
    }
    await rig.store.append([draft])
    expect(await promote(rig)).toBe(texts.length)
    const [lease] = await claimAll(rig.store)
    expect(lease?.body).toBe(`[${texts.join(',')}]`)
    const ids = texts.map((_, index) => commandId(draft.id, index))
    const views = await rig.store.reader.get(ids, { payload: true })
    expect(views.map((view) => view?.payload)).toEqual(texts)
  })

  it('takes from a bounded number of bytes per call; the others stay due', async () => {
    const rig = await rigs()
    const payloads = ['x'.repeat(CHUNK_BYTES_MAX - 100), 'y']
    for (let n = 0; n < 3; n += 1)
      await rig.store.append([rig.draft({ payloads, parked: [null, SCHEDULED] })])
    expect([await promote(rig), await promote(rig), await promote(rig)]).toEqual([2, 1, 0])
  })

  it('passes over what another transaction holds, without waiting', async () => {
    const rig = await rigs()
    await rig.store.append([rig.draft({ payloads: [1, 2, 3], parked: [SCHEDULED, SCHEDULED, SCHEDULED] })])
    const other = await sessionOn(rig)
    await other.query('begin; select * from parked where idx = 1 for update')
    expect(await promote(rig)).toBe(2)
    await other.query('commit')
    expect(await promote(rig)).toBe(1)
  })

  it('puts the commands of a partition in line: behind what waits there, and behind each other', async () => {
    const rig = await rigs()
    const ordered = { queue: 'main', partition: 3 }
    await rig.store.append([rig.draft(ordered)])
    const parked = Array.from({ length: 5 }, () => SCHEDULED)
    const payloads = [1, 2, 3, 4, 5]
    await rig.store.append([rig.draft({ ...ordered, payloads, parked }), rig.draft({ payloads, parked })])
    const request = { limit: 100, chunkCommandsMax: 2, newChunkId: () => rig.draft().id }
    expect(await rig.store.promote(request)).toBe(10)
    const sizes: number[][] = []
    for (let round = 0; round < 4; round += 1) {
      const leases = await claimAll(rig.store)
      sizes.push(leases.filter(({ partition }) => partition === 3).map(({ size }) => size))
      await rig.store.settle(leases.map((lease) => complete(lease)))
    }
    expect(sizes).toEqual([[1], [2], [2], [1]])
  })

  it('moves every command of many partitions once, however many maintainers there are', async () => {
    const rig = await rigs()
    const parked = Array.from({ length: 10 }, () => SCHEDULED)
    const drafts = Array.from({ length: 40 }, (_, n) =>
      rig.draft({ payloads: parked.map((_, at) => at), parked, partition: n % 8 < 6 ? n % 8 : null }),
    )
    await rig.store.append(drafts)
    const stores = [rig.store, await rig.other(), await rig.other(), await rig.other()]
    let moved = 0
    for (let round = 0; round < 12; round += 1) {
      const counts = await Promise.all(stores.map((store) => promote(rig, store, 25)))
      moved += counts.reduce((sum, count) => sum + count, 0)
    }
    expect(moved).toBe(400)
    const carried = await rig.rows('select members::json as members from @.bodies where members is not null')
    const ids = carried.flatMap(({ members }) => (members as { id: string }[]).map(({ id }) => id))
    expect(ids).toHaveLength(400)
    expect(new Set(ids).size).toBe(400)
  })

  it('goes together with claims, settlements, cancels and redrives of other processes: nothing is lost or doubled', async () => {
    const rig = await rigs()
    const stores = [rig.store, await rig.other(), await rig.other()]
    const drafts = Array.from({ length: 60 }, (_, n) =>
      rig.draft({ payloads: [0, 1, 2, 3], partition: n % 3 === 0 ? n % 6 : null }),
    )
    await rig.store.append(drafts)
    const ids = drafts.flatMap(({ id }) => [0, 1, 2, 3].map((index) => commandId(id, index)))
    const retried = (attempts: number): CommandUpdate[] =>
      [1, 2].map((index) => ({
        index,
        state: 'retrying',
        attempts,
        delayMs: 0,
        error: { code: 'e', message: 'm' },
      }))

    async function work(store: PostgresStore, round: number): Promise<void> {
      const leases = await claimAll(store, 10)
      const settlements = leases.map((lease) => ({
        ...complete(lease),
        updates: lease.members === null && round < 3 ? retried(1) : [],
      }))
      await store.settle(settlements)
    }
    for (let round = 0; round < 12; round += 1) {
      await rig.clock.advance(10)
      await Promise.all(
        stores.flatMap((store, at) => [
          work(store, round),
          promote(rig, store, 40),
          store.control.cancel(ids.filter((_, n) => n % 11 === (round + at) % 11)),
          store.control.redrive(ids.filter((_, n) => n % 13 === (round + at) % 13)),
        ]),
      )
    }
    for (let round = 0; round < 60; round += 1) {
      await rig.clock.advance(40_000)
      await promote(rig)
      await work(rig.store, 100)
    }
    const { accepted, succeeded, cancelled, ...others } = await rig.store.reader.accounting()
    expect(accepted).toBe(240)
    expect(succeeded + cancelled).toBe(240)
    expect(
      Object.values(others).every((count) => count === 0),
      JSON.stringify(others),
    ).toBe(true)
    expect(await rig.rows('select count(*)::int as n from @.chunks where promoted')).toEqual([{ n: 0 }])
    expect(await rig.rows('select count(*)::int as n from @.bodies')).toEqual([{ n: 60 }])
  })
})
