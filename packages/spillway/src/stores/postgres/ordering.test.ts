// Ordered queues under several processes at once: whatever fails, waits, dies and is redriven, the commands of a key are executed one
// after the other, in the order in which they were submitted (I8).

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
import { type CommandUpdate, commandId, type Lease, type Place } from '../../domain/index.js'
import type { PostgresStore } from './index.js'

interface Submitted {
  readonly key: string
  readonly number: number
}

interface Member {
  readonly index: number
  readonly id: string
  readonly attempts: number
  /** Null in a chunk as it was submitted: that stands behind all rows of its partition. */
  readonly place: Place | null
  readonly payload: Submitted
}

const PARTITIONS = 3
const ROUNDS_MAX = 200

function membersOf(lease: Lease): Member[] {
  const payloads = JSON.parse(lease.body) as Submitted[]
  return payloads.flatMap((payload, index) => {
    if (lease.skip.includes(index)) return []
    const { id = commandId(lease.chunkId, index), attempts = 0, place = null } = lease.members?.[index] ?? {}
    return [{ index, id, attempts, place, payload }]
  })
}

function isBefore([seq, index]: Place, place: Place | null): boolean {
  return place === null || seq < place[0] || (seq === place[0] && index < place[1])
}

requireServer(describe, 'postgres')('ordered commands', () => {
  const rigs = disposing(postgresRigs())

  function promote(rig: PostgresRig, store: PostgresStore, limit = 7): Promise<number> {
    return store.promote({ limit, chunkCommandsMax: 5, newChunkId: () => rig.draft().id })
  }

  /** What a worker does with an ordered chunk: commands behind one that is not over wait, each execution may fail. */
  function outcomesOf(
    lease: Lease,
    fails: () => boolean,
    executed: (member: Member) => void,
  ): CommandUpdate[] {
    const heldUp = new Map(lease.blockers?.map(({ orderingKey, place }) => [orderingKey, place]))
    const failedHere = new Set<string>()
    return membersOf(lease).flatMap((member): CommandUpdate[] => {
      const { index, attempts, place, payload } = member
      const orderingKey = payload.key
      const holder = heldUp.get(orderingKey)
      const waits = failedHere.has(orderingKey) || (holder !== undefined && isBefore(holder, place))
      const common = { index, orderingKey, error: null }
      if (waits) return [{ ...common, state: 'blocked', attempts, delayMs: 0, deferred: true }]
      if (!fails()) {
        executed(member)
        return []
      }
      failedHere.add(orderingKey)
      return [{ ...common, state: 'retrying', attempts: attempts + 1, delayMs: 5 }]
    })
  }

  it('keep the order of every key, whoever works on them and however often they fail', async () => {
    const rig = await rigs()
    const stores = [rig.store, await rig.other(), await rig.other()]
    const keys = Array.from({ length: 9 }, (_, n) => `k${n}`)
    const done = new Map<string, number[]>(keys.map((key) => [key, []]))
    const submitted = new Map<string, number>(keys.map((key) => [key, 0]))
    let turns = 0
    const fails = (): boolean => {
      turns += 1
      return turns % 3 === 0 && turns < 300
    }

    async function submit(partition: number): Promise<void> {
      const own = keys.filter((_, n) => n % PARTITIONS === partition)
      const payloads = own.flatMap((key) => [0, 1].map(() => ({ key, number: next(key) })))
      await rig.store.append([rig.draft({ partition, payloads })])
    }

    function next(key: string): number {
      const number = submitted.get(key) ?? 0
      submitted.set(key, number + 1)
      return number
    }

    async function work(store: PostgresStore): Promise<void> {
      const leases = await claimAll(store, 2)
      const ran: Member[] = []
      await store.settle(
        leases.map((lease) => ({
          ...complete(lease),
          updates: outcomesOf(lease, fails, (one) => ran.push(one)),
        })),
      )
      for (const { payload } of ran) done.get(payload.key)?.push(payload.number)
    }

    let round = 0
    for (; round < ROUNDS_MAX; round += 1) {
      if (round < 8) for (let partition = 0; partition < PARTITIONS; partition += 1) await submit(partition)
      await Promise.all(stores.flatMap((store) => [work(store), promote(rig, store)]))
      await rig.clock.advance(6)
      const { accepted, succeeded } = await rig.store.reader.accounting()
      if (round > 8 && accepted === succeeded) break
    }
    expect(round).toBeLessThan(ROUNDS_MAX)
    for (const [key, numbers] of done)
      expect(numbers, key).toEqual(Array.from({ length: submitted.get(key) ?? 0 }, (_, n) => n))
    expect(await rig.rows(`select 1 from @.parked where state <> 'succeeded'`)).toEqual([])
  })

  it('are let go once, by however many maintainers', async () => {
    const rig = await rigs()
    const stores = [rig.store, await rig.other(), await rig.other()]
    const lease = await rig.lease({ partition: 1, payloads: Array.from({ length: 60 }, (_, n) => n) })
    const updates = Array.from({ length: 60 }, (_, index): CommandUpdate => {
      const orderingKey = `k${index % 4}`
      return { index, state: 'blocked', attempts: 0, delayMs: 0, error: null, deferred: true, orderingKey }
    })
    await rig.store.settle([{ ...complete(lease), updates }])
    let moved = 0
    for (let round = 0; round < 20; round += 1) {
      const counts = await Promise.all(stores.map((store) => promote(rig, store, 20)))
      moved += counts.reduce((sum, count) => sum + count, 0)
      const leases = await claimAll(rig.store)
      await rig.store.settle(leases.map((one) => complete(one)))
    }
    expect(moved).toBe(60)
    expect(await rig.store.reader.accounting()).toMatchObject({ blocked: 0, succeeded: 60 })
  })

  it('pass over a waiting command that another transaction holds, without waiting for it', async () => {
    const rig = await rigs()
    const lease = await rig.lease({ partition: 1, payloads: [1, 2] })
    const updates = [0, 1].map((index): CommandUpdate => {
      return {
        index,
        state: 'blocked',
        attempts: 0,
        delayMs: 0,
        error: null,
        deferred: true,
        orderingKey: `k${index}`,
      }
    })
    await rig.store.settle([{ ...complete(lease), updates }])
    const session = await sessionOn(rig)
    await session.query('begin; select 1 from parked where idx = 0 for update')
    expect(await promote(rig, rig.store)).toBe(1)
    await session.query('commit')
    expect(await promote(rig, rig.store)).toBe(1)
  })

  it('tell a claim what holds up its keys, committed before it or with the chunk before it', async () => {
    const rig = await rigs()
    const first = await rig.lease({ partition: 1, payloads: [1] })
    await rig.store.append([rig.draft({ partition: 1 })])
    const retrying: CommandUpdate = {
      ...{ index: 0, state: 'retrying', attempts: 1, delayMs: 1_000, error: null, orderingKey: 'k' },
    }
    const [verdicts, early] = await Promise.all([
      rig.store.settle([{ ...complete(first), updates: [retrying] }]),
      claimAll(await rig.other()),
    ])
    expect(verdicts).toEqual(['ok'])
    const [lease] = early.length > 0 ? early : await claimAll(rig.store)
    expect(lease?.blockers).toMatchObject([{ orderingKey: 'k' }])
  })
})

requireServer(describe, 'postgres')('answers of the counterpart', () => {
  const rigs = disposing(postgresRigs())

  it('and the worker who polls exclude each other: one of them ends the command', async () => {
    const rig = await rigs()
    const other = await rig.other()
    const lease = await rig.lease({ payloads: Array.from({ length: 20 }, (_, n) => n) })
    const updates = Array.from({ length: 20 }, (_, index): CommandUpdate => {
      const completion = { tokenHash: `t${index}`, expiresInMs: 60_000 }
      const waits = { state: 'pending', stage: 'poll', delayMs: 1_000, completion } as const
      return { index, attempts: 1, error: null, ...waits }
    })
    await rig.store.settle([{ ...complete(lease), updates }])
    await rig.clock.advance(1_001)
    const answers = updates.map(({ index }) => {
      const update = { state: 'succeeded', attempts: 1, delayMs: 0, error: null, result: '"told"' } as const
      return { tokenHash: `t${index}`, update }
    })
    const [told, again, polled] = await Promise.all([
      rig.store.control.complete(answers.slice(0, 15)),
      other.control.complete([...answers].slice(0, 15).reverse()),
      other
        .promote({ limit: 100, chunkCommandsMax: 3, newChunkId: () => rig.draft().id })
        .then(() => claimAll(other)),
    ])
    await other.settle(polled.map((one) => complete(one)))
    const winners = told.map((verdict, n) => [verdict, again[14 - n]].filter((one) => one === 'ok').length)
    expect(Math.max(...winners)).toBeLessThanOrEqual(1)
    const carried = polled.reduce((sum, { size }) => sum + size, 0)
    expect(winners.reduce((sum, won) => sum + won, 0) + carried).toBe(20)
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 20, succeeded: 20, pending: 0 })
    const rows = await rig.rows(`select count(*)::integer as n from @.parked where token_hash is not null`)
    expect(rows).toEqual([{ n: 0 }])
  })
})
