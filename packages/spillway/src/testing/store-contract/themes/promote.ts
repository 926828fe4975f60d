// Promote: parked commands travel again once they are due, each exactly once (I10, I17).

import { CHUNK_BYTES_MAX, COMMAND_BYTES_MAX, type ParkedDraft } from '../../../domain/index.js'
import { LEASE_MS, type Scene, type Submitted } from '../scene.js'
import { needsReopen, type Suite, type Theme } from '../suite.js'
import { retrying } from '../updates.js'

function due(scene: Scene, delayMs: number, attempts = 0): ParkedDraft {
  const state = attempts === 0 ? 'scheduled' : 'retrying'
  return { state, nextAt: scene.now() + delayMs, attempts, error: null }
}

/** A chunk of scheduled commands, due after each of the delays. */
function schedule(scene: Scene, delaysMs: readonly number[], options: object = {}): Promise<Submitted> {
  return scene.submit({
    size: delaysMs.length,
    ...options,
    parked: delaysMs.map((delayMs) => due(scene, delayMs)),
  })
}

export const promoteTheme: Theme = {
  name: 'promote',
  define(suite) {
    timing(suite)
    grouping(suite)
    guarding(suite)
  },
}

function timing({ test }: Suite): void {
  test('moves nothing before its time, and everything that is due', async (scene) => {
    const { expect } = scene
    const { ids } = await schedule(scene, [1_000, 2_000, 3_000])
    await scene.advance(999)
    expect(await scene.promote()).toBe(0)
    await scene.advance(1_002)
    expect(await scene.promote()).toBe(2)
    expect(await scene.states(ids)).toEqual(['accepted', 'accepted', 'scheduled'])
    expect(await scene.view(ids[0])).toMatchObject({ nextAt: null, finishedAt: null })
    expect(await scene.promote()).toBe(0)
    await scene.advance(1_000)
    expect(await scene.promote()).toBe(1)
  })

  test('moves at most as many as asked, the longest due first', async (scene) => {
    const { expect } = scene
    const { ids } = await schedule(scene, [500, 100, 400, 200, 300])
    await scene.advance(1_000)
    expect(await scene.promote({ limit: 2 })).toBe(2)
    expect(await scene.states(ids)).toEqual(['scheduled', 'accepted', 'scheduled', 'accepted', 'scheduled'])
    expect(await scene.promote({ limit: 10 })).toBe(3)
    expect(await scene.promote({ limit: 10 })).toBe(0)
  })

  test('moves retries the same way, each when its own delay is over', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 5_000), retrying(2, 1_000)] })
    await scene.advance(1_001)
    expect(await scene.promote()).toBe(1)
    expect(await scene.states(ids)).toEqual(['retrying', 'succeeded', 'accepted'])
    await scene.advance(4_000)
    expect(await scene.promote()).toBe(1)
    expect(await scene.states(ids)).toEqual(['accepted', 'succeeded', 'accepted'])
  })

  test('has nothing to do on an empty store', async (scene) => {
    scene.expect(await scene.promote()).toBe(0)
  })
}

function grouping({ test }: Suite): void {
  test('gives each command with its id, attempts, time of acceptance and payload', async (scene) => {
    const { expect } = scene
    const first = await schedule(scene, [3_000, 1_000], { payloads: ['a', 'b'] })
    await scene.advance(500)
    const second = await scene.submit({ payloads: [{ c: 1 }], parked: [due(scene, 1_500, 2)] })
    await scene.advance(5_000)
    const promotedAt = scene.now()
    expect(await scene.promote()).toBe(3)
    const lease = await scene.claimOne()
    expect(lease).toMatchObject({
      size: 3,
      skip: [],
      createdAt: promotedAt,
      expiries: 0,
      queue: 'main',
      type: 'work',
    })
    const payloads: unknown[] = JSON.parse(lease.body)
    const plain = { memo: null, place: null, orderingKey: null }
    const carried = (lease.members ?? []).map((member, index) => ({ ...member, payload: payloads[index] }))
    expect(carried.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { ...plain, id: first.ids[0], attempts: 0, acceptedAt: first.createdAt, payload: 'a' },
      { ...plain, id: first.ids[1], attempts: 0, acceptedAt: first.createdAt, payload: 'b' },
      { ...plain, id: second.ids[0], attempts: 2, acceptedAt: second.createdAt, payload: { c: 1 } },
    ])
  })

  test('keeps queues, types and priorities apart', async (scene) => {
    const { expect } = scene
    const kinds = [{}, { type: 'other' }, { priority: 5 }, { queue: 'elsewhere' }, {}]
    const submitted: Submitted[] = []
    for (const kind of kinds) submitted.push(await schedule(scene, [1_000], kind))
    await scene.advance(1_001)
    expect(await scene.promote()).toBe(5)
    const leases = [
      ...(await scene.claim({ types: ['work', 'other'] })),
      ...(await scene.claim({ queue: 'elsewhere' })),
    ]
    const carried = leases.map(({ queue, type, priority, members }) => ({
      queue,
      type,
      priority,
      ids: members?.map(({ id }) => id).sort(),
    }))
    const ids = (at: number) => submitted[at]?.ids[0] as string
    expect(carried).toHaveLength(4)
    expect(carried[0]).toEqual({ queue: 'main', type: 'work', priority: 5, ids: [ids(2)] })
    expect(carried.find(({ type }) => type === 'other')).toEqual({
      queue: 'main',
      type: 'other',
      priority: 0,
      ids: [ids(1)],
    })
    expect(carried.find(({ queue }) => queue === 'elsewhere')).toEqual({
      queue: 'elsewhere',
      type: 'work',
      priority: 0,
      ids: [ids(3)],
    })
    expect(carried.find(({ ids: found }) => found?.length === 2)).toMatchObject({
      priority: 0,
      ids: [ids(0), ids(4)].sort(),
    })
  })

  test('makes chunks of at most chunkCommandsMax commands', async (scene) => {
    const { expect } = scene
    await schedule(
      scene,
      Array.from({ length: 25 }, () => 1_000),
    )
    await scene.advance(1_001)
    expect(await scene.promote({ chunkCommandsMax: 10 })).toBe(25)
    const sizes = (await scene.claim()).map((lease) => lease.size)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(25)
    expect(Math.max(...sizes)).toBe(10)
    expect(sizes).toHaveLength(3)
  })

  test('makes chunks no larger in bytes than a chunk may be', async (scene) => {
    const { expect } = scene
    const payload = 'x'.repeat(COMMAND_BYTES_MAX - 100)
    for (let n = 0; n < 3; n += 1) await schedule(scene, [1, 1, 1], { payloads: [payload, payload, payload] })
    await scene.advance(2)
    expect(await scene.promote()).toBe(9)
    const leases = await scene.claim()
    expect(leases.reduce((sum, lease) => sum + lease.size, 0)).toBe(9)
    for (const { body } of leases) expect(Buffer.byteLength(body)).toBeLessThan(CHUNK_BYTES_MAX + 1)
  })

  test('counts a promoted command once, and names it only by its own id', async (scene) => {
    const { expect, store } = scene
    const { ids } = await schedule(scene, [1_000, 1_000])
    await scene.advance(1_001)
    const promoted: string[] = []
    await scene.promote({
      newChunkId: () => {
        promoted.push(scene.newChunkId())
        return promoted.at(-1) as string
      },
    })
    expect(promoted).toHaveLength(1)
    expect(await scene.states([`${promoted[0]}-0`])).toEqual([null])
    expect(await store.reader.accounting()).toMatchObject({ accepted: 2, ready: 2, scheduled: 0 })
    expect((await store.reader.list({ limit: 10 })).items.map(({ id }) => id)).toEqual([...ids].reverse())
  })
}

function guarding({ test }: Suite): void {
  test('moves a command once, however many promote at once (I17)', async (scene) => {
    const { expect } = scene
    await schedule(
      scene,
      Array.from({ length: 30 }, () => 1_000),
    )
    await scene.advance(1_001)
    const counts = await Promise.all(Array.from({ length: 6 }, () => scene.promote({ limit: 20 })))
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30)
    const members = (await scene.claim()).flatMap((lease) => lease.members ?? [])
    expect(new Set(members.map(({ id }) => id)).size).toBe(30)
    expect(members).toHaveLength(30)
  })

  test(
    'moves a command once when maintainers of two processes promote (I17)',
    async (scene) => {
      const { expect, subject } = scene
      const other = await subject.reopen?.()
      await schedule(
        scene,
        Array.from({ length: 30 }, () => 1_000),
      )
      await scene.advance(1_001)
      const request = { limit: 8, chunkCommandsMax: 5, newChunkId: scene.newChunkId }
      let moved = 0
      for (let round = 0; round < 10; round += 1) {
        const counts = await Promise.all([scene.store.promote(request), other?.promote(request)])
        moved += (counts[0] ?? 0) + (counts[1] ?? 0)
      }
      expect(moved).toBe(30)
      expect((await scene.claim()).flatMap((lease) => lease.members ?? [])).toHaveLength(30)
    },
    needsReopen,
  )

  test('leaves alone what is running, cancelled or ended', async (scene) => {
    const { expect, store } = scene
    const { ids } = await schedule(scene, [1_000, 1_000, 1_000])
    await store.control.cancel([ids[0] as string])
    await scene.advance(1_001)
    expect(await scene.promote()).toBe(2)
    const lease = await scene.claimOne()
    expect(await scene.promote()).toBe(0)
    await scene.advance(LEASE_MS + 1)
    expect(await scene.promote()).toBe(0)
    await scene.settle(lease)
    expect(await scene.promote()).toBe(0)
    expect(await scene.states(ids)).toEqual(['cancelled', 'succeeded', 'succeeded'])
  })

  test('takes a command through as many retries as it needs', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit()
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000, 1)] })
    for (const attempts of [1, 2, 3]) {
      await scene.advance(1_001)
      expect(await scene.promote()).toBe(1)
      const lease = await scene.claimOne()
      expect(lease.members).toMatchObject([{ id: ids[0], attempts }])
      await scene.settle(lease, { updates: [retrying(0, 1_000, attempts + 1)] })
    }
    expect(await scene.view(ids[0])).toMatchObject({ state: 'retrying', attempts: 4 })
  })
}
