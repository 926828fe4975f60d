// Leases: heartbeats, progress, crash cursors and giving a chunk back, all fenced by the token (I5).

import { LEASE_MS } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { failing, retrying, succeeding } from '../updates.js'

export const leaseTheme: Theme = {
  name: 'lease',
  define(suite) {
    extending(suite)
    progressing(suite)
    isolating(suite)
    releasing(suite)
  },
}

function extending({ test }: Suite): void {
  test('prolongs a lease from now on', async (scene) => {
    const { expect } = scene
    await scene.submit()
    const lease = await scene.claimOne({ leaseMs: 10_000 })
    await scene.advance(9_000)
    expect(await scene.extend(lease, {}, 10_000)).toBe('ok')
    await scene.advance(9_000)
    expect(await scene.claim()).toEqual([])
    await scene.advance(1_001)
    expect(await scene.claim()).toHaveLength(1)
  })

  test('answers in order, one verdict per lease, the stale ones among the good', async (scene) => {
    const { expect, store } = scene
    await scene.append([scene.draft(), scene.draft()])
    const [one, two] = await scene.claim()
    const quiet = { updates: [], finished: [] }
    const items = [
      { chunkId: one?.chunkId ?? '', token: one?.token ?? 0, ...quiet },
      { chunkId: scene.newChunkId(), token: 1, ...quiet },
      { chunkId: two?.chunkId ?? '', token: (two?.token ?? 0) + 1, ...quiet },
      { chunkId: two?.chunkId ?? '', token: two?.token ?? 0, ...quiet },
    ]
    expect(await store.extend(items, LEASE_MS)).toEqual(['ok', 'stale', 'stale', 'ok'])
    expect(await store.extend([], LEASE_MS)).toEqual([])
  })

  test('calls a lease stale once another worker has the chunk, and changes nothing', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    const old = await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    const current = await scene.claimOne()
    const late = { updates: [failing(0)], finished: [1], cursor: 1 }
    expect(await scene.extend(old, late, 10 * LEASE_MS)).toBe('stale')
    expect(await scene.extend(old, { release: true })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['running', 'running'])
    await scene.advance(LEASE_MS + 1)
    const next = await scene.claimOne()
    expect(next).toMatchObject({ skip: [], cursor: null, expiries: 2 })
    expect(next.token).toBeGreaterThan(current.token)
  })

  test('leaves an expired lease with its holder until somebody takes the chunk', async (scene) => {
    const { expect } = scene
    await scene.submit()
    const lease = await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    expect(await scene.extend(lease)).toBe('ok')
    expect(await scene.claim()).toEqual([])
    expect(await scene.settle(lease)).toBe('ok')
  })

  test('calls a lease stale once its chunk is done', async (scene) => {
    const { expect } = scene
    await scene.submit()
    const lease = await scene.claimOne()
    await scene.settle(lease)
    expect(await scene.extend(lease)).toBe('stale')
    await scene.advance(LEASE_MS + 1)
    expect(await scene.claim()).toEqual([])
  })
}

function progressing({ test }: Suite): void {
  test('skips what a heartbeat reported when the chunk is claimed again', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 5 })
    const lease = await scene.claimOne()
    expect(await scene.extend(lease, { finished: [3, 0] })).toBe('ok')
    expect(await scene.extend(lease, { updates: [retrying(1, 60_000), succeeding(4, 'v')] })).toBe('ok')
    await scene.advance(LEASE_MS + 1)
    const again = await scene.claimOne()
    expect(again.skip).toEqual([0, 1, 3, 4])
    expect(await scene.states(ids)).toEqual(['succeeded', 'retrying', 'running', 'succeeded', 'succeeded'])
  })

  test('lists what to skip in ascending order', async (scene) => {
    await scene.submit({ size: 12 })
    await scene.extend(await scene.claimOne(), { finished: [10, 2, 9, 11, 1] })
    await scene.advance(LEASE_MS + 1)
    scene.expect((await scene.claimOne()).skip).toEqual([1, 2, 9, 10, 11])
  })

  test('shows a finished command as succeeded before its chunk is done, and for good', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    await scene.extend(await scene.claimOne(), { finished: [1] })
    expect(await scene.states(ids)).toEqual(['running', 'succeeded'])
    await scene.advance(LEASE_MS + 1)
    await scene.extend(await scene.claimOne(), { release: true })
    expect(await scene.states(ids)).toEqual(['accepted', 'succeeded'])
  })

  test('changes nothing when progress is reported again after a lost answer', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    const lease = await scene.claimOne()
    await scene.extend(lease, { updates: [retrying(0, 1_000)] })
    const before = await scene.view(ids[0])
    await scene.advance(500)
    await scene.extend(lease, { updates: [retrying(0, 1_000)], finished: [0] })
    expect(await scene.view(ids[0])).toEqual(before)
    await scene.advance(501)
    await scene.promote()
    await scene.settle(lease, { updates: [failing(0)] })
    expect(await scene.states(ids)).toEqual(['accepted', 'succeeded'])
  })
}

function isolating({ test }: Suite): void {
  test('tells the next holder which command was running alone when the lease expired', async (scene) => {
    const { expect } = scene
    await scene.submit({ size: 3 })
    const lease = await scene.claimOne()
    await scene.extend(lease, { cursor: 0 })
    await scene.extend(lease, { finished: [0], cursor: 1 })
    await scene.extend(lease)
    await scene.advance(LEASE_MS + 1)
    expect(await scene.claimOne()).toMatchObject({ cursor: 1, skip: [0] })
  })

  test('keeps its cursor when a heartbeat that names an ended command arrives late', async (scene) => {
    const { expect } = scene
    await scene.submit({ size: 3 })
    const lease = await scene.claimOne()
    await scene.extend(lease, { finished: [0], cursor: 1 })
    expect(await scene.extend(lease, { cursor: 0 })).toBe('ok')
    await scene.advance(LEASE_MS + 1)
    expect(await scene.claimOne()).toMatchObject({ cursor: 1, skip: [0] })
  })

  test('has no cursor after it was cleared, after its command ended, or after a release', async (scene) => {
    const { expect } = scene
    await scene.submit({ size: 3 })
    const first = await scene.claimOne()
    await scene.extend(first, { cursor: 0 })
    await scene.extend(first, { cursor: null })
    await scene.advance(LEASE_MS + 1)
    const second = await scene.claimOne()
    expect(second.cursor).toBe(null)
    await scene.extend(second, { cursor: 0 })
    await scene.extend(second, { updates: [failing(0)] })
    await scene.advance(LEASE_MS + 1)
    const third = await scene.claimOne()
    expect(third.cursor).toBe(null)
    await scene.extend(third, { cursor: 1 })
    await scene.extend(third, { release: true })
    expect((await scene.claimOne()).cursor).toBe(null)
  })
}

function releasing({ test }: Suite): void {
  test('makes a released chunk claimable at once, without counting a crash', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    const lease = await scene.claimOne()
    expect(await scene.extend(lease, { finished: [1], release: true })).toBe('ok')
    expect(await scene.states(ids)).toEqual(['accepted', 'succeeded', 'accepted'])
    const again = await scene.claimOne()
    expect(again).toMatchObject({ chunkId: lease.chunkId, expiries: 0, skip: [1] })
    expect(again.token).toBeGreaterThan(lease.token)
  })

  test('calls a lease stale after its release', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit()
    const lease = await scene.claimOne()
    await scene.extend(lease, { release: true })
    expect(await scene.extend(lease)).toBe('stale')
    expect(await scene.settle(lease, { updates: [failing(0)] })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['accepted'])
  })

  test('never runs anything again of a chunk whose holder finished everything and died', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    await scene.extend(await scene.claimOne(), { finished: [0], updates: [failing(1)] })
    await scene.advance(LEASE_MS + 1)
    for (const lease of await scene.claim()) {
      expect(lease.skip).toEqual([0, 1])
      await scene.settle(lease)
    }
    expect(await scene.states(ids)).toEqual(['succeeded', 'failed'])
  })

  test('never runs anything again of a chunk released with everything finished', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    await scene.extend(await scene.claimOne(), { finished: [0, 1], release: true })
    for (const lease of await scene.claim()) {
      expect(lease.skip).toEqual([0, 1])
      await scene.settle(lease)
    }
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
  })
}
