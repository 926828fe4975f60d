// Prune: what has outlived its retention goes, family by family, and nothing that lives ever does (I1).

import { DAY_MS, type Scene } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, failing, retrying } from '../updates.js'

const YEAR_MS = 365 * DAY_MS
const NOTHING = { chunks: 0, commands: 0, keys: 0 }
/** Calls that an exhaustive prune may take at most in these tests. */
const ROUNDS_MAX = 100

async function pruneAll(scene: Scene, limit: number): Promise<number> {
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const { chunks, commands, keys } = await scene.prune({ limit })
    scene.expect(chunks).toBeLessThan(limit + 1)
    scene.expect(keys).toBeLessThan(limit + 1)
    if (chunks === 0 && commands === 0 && keys === 0) return round
  }
  throw new Error(`Pruning did not end within ${ROUNDS_MAX} rounds.`)
}

export const pruneTheme: Theme = {
  name: 'prune',
  define(suite) {
    finished(suite)
    families(suite)
    living(suite)
    keys(suite)
  },
}

function finished({ test }: Suite): void {
  test('removes a finished chunk after its retention, not before', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    await scene.advance(DAY_MS)
    await scene.settle(await scene.claimOne())
    await scene.advance(DAY_MS - 1)
    expect(await scene.prune()).toEqual(NOTHING)
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    await scene.advance(2)
    expect(await scene.prune()).toEqual({ chunks: 1, commands: 3, keys: 0 })
    expect(await scene.states(ids)).toEqual([null, null, null])
    expect((await scene.store.reader.accounting()).accepted).toBe(0)
    expect((await scene.store.reader.list({ limit: 10 })).items).toEqual([])
  })

  test('removes in steps of the limit until nothing is left', async (scene) => {
    const { expect } = scene
    for (let n = 0; n < 7; n += 1)
      await scene.submit({ size: 2, payloads: [n, -n], keys: [`a${n}`, `b${n}`] })
    for (const [at, lease] of (await scene.claim()).entries()) {
      await scene.settle(lease, at < 3 ? { updates: [failing(0)] } : {})
    }
    await scene.advance(30 * DAY_MS + 1)
    expect(await pruneAll(scene, 3)).toBeGreaterThan(3)
    expect((await scene.store.reader.accounting()).accepted).toBe(0)
  })

  test('has nothing to do on an empty store', async (scene) => {
    scene.expect(await scene.prune()).toEqual(NOTHING)
  })
}

function families({ test }: Suite): void {
  for (const [state, update] of [
    ['failed', failing(1)],
    ['dead', dying(1)],
  ] as const) {
    test(`keeps a chunk with a ${state} command for the longer retention, whole`, async (scene) => {
      const { expect } = scene
      const { ids } = await scene.submit({ payloads: ['a', 'b'] })
      await scene.settle(await scene.claimOne(), { updates: [update] })
      await scene.advance(30 * DAY_MS - 1)
      expect(await scene.prune()).toEqual(NOTHING)
      expect(await scene.view(ids[1])).toMatchObject({ state, payload: '"b"' })
      await scene.advance(2)
      expect(await scene.prune()).toMatchObject({ commands: 2 })
      expect(await scene.states(ids)).toEqual([null, null])
    })
  }

  test('keeps a cancelled command for the longer retention', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit()
    await store.control.cancel(ids)
    await scene.advance(2 * DAY_MS)
    expect(await scene.prune()).toEqual(NOTHING)
    await scene.advance(29 * DAY_MS)
    expect(await scene.prune()).toMatchObject({ commands: 1 })
  })

  test('keeps the whole chunk while one command of it still waits', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    await scene.settle(await scene.claimOne(), { updates: [retrying(1, YEAR_MS)] })
    await scene.advance(YEAR_MS - 1)
    expect(await scene.prune()).toEqual(NOTHING)
    expect(await scene.states(ids)).toEqual(['succeeded', 'retrying', 'succeeded'])
  })

  test('counts the retention from the last command that ended', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 10 * DAY_MS)] })
    await scene.advance(10 * DAY_MS + 1)
    await scene.promote()
    await scene.settle(await scene.claimOne())
    await scene.advance(DAY_MS - 1)
    expect(await scene.prune()).toMatchObject({ commands: 0 })
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
    await scene.advance(2)
    await pruneAll(scene, 10)
    expect(await scene.states(ids)).toEqual([null, null])
    expect(await scene.store.reader.accounting()).toMatchObject({ accepted: 0, succeeded: 0 })
  })

  test('keeps a command that was redriven', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.submit({ payloads: ['p'] })
    await scene.settle(await scene.claimOne(), { updates: [dying(0)] })
    await scene.advance(29 * DAY_MS)
    await store.control.redrive(ids)
    await scene.advance(2 * DAY_MS)
    expect(await scene.prune()).toEqual(NOTHING)
    await scene.promote()
    expect(await scene.claimOne()).toMatchObject({ body: '["p"]', members: [{ id: ids[0] }] })
  })
}

function living({ test }: Suite): void {
  test('never removes what waits, runs, is scheduled, retried or promoted, however old', async (scene) => {
    const { expect } = scene
    const scheduled = await scene.submit({
      parked: [{ state: 'scheduled', nextAt: scene.now() + 5 * YEAR_MS, attempts: 0, error: null }],
    })
    const worked = await scene.submit({ size: 2 })
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000), retrying(1, 5 * YEAR_MS)] })
    await scene.advance(1_001)
    await scene.promote()
    const running = await scene.submit()
    await scene.claim()
    const waiting = await scene.submit()
    await scene.advance(2 * YEAR_MS)
    expect(await scene.prune({ retentionMs: 0, failedRetentionMs: 0 })).toEqual(NOTHING)
    const ids = [scheduled, worked, running, waiting].flatMap((chunk) => chunk.ids)
    expect(await scene.states(ids)).toEqual(['scheduled', 'running', 'retrying', 'running', 'accepted'])
  })

  test('lets the holder of a partly finished chunk settle the rest after a prune', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    const lease = await scene.claimOne({ leaseMs: YEAR_MS })
    await scene.extend(lease, { finished: [0], updates: [failing(1)] }, YEAR_MS)
    await scene.advance(100 * DAY_MS)
    expect(await scene.prune()).toEqual(NOTHING)
    expect(await scene.settle(lease)).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded', 'failed', 'succeeded'])
  })
}

function keys({ test }: Suite): void {
  test('removes keys by their own time: earlier than the command, or later', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: [1], keys: ['short'], windowMs: 1_000 })
    const long = await scene.submit({ payloads: [2], keys: ['long'], windowMs: 10 * DAY_MS })
    await scene.advance(1_001)
    const early = await scene.prune()
    expect(early).toMatchObject({ chunks: 0, commands: 0 })
    for (const lease of await scene.claim()) await scene.settle(lease)
    await scene.advance(DAY_MS + 1)
    const chunks = await scene.prune()
    expect(chunks).toMatchObject({ chunks: 2, commands: 2 })
    const repeat = await scene.submit({ payloads: [2], keys: ['long'] })
    expect(repeat.verdicts).toEqual([{ status: 'duplicate', id: long.ids[0] }])
    // A store may remove keys later than they expire, many at once.
    let keys = early.keys + chunks.keys
    expect(keys).toBeLessThan(2)
    for (let windows = 0; windows < 3; windows += 1) {
      await scene.advance(10 * DAY_MS)
      keys += (await scene.prune()).keys
    }
    expect(keys).toBe(2)
  })

  test('does not remove the key that took an expired one’s place', async (scene) => {
    const { expect } = scene
    await scene.submit({ payloads: [1], keys: ['k'], windowMs: 1_000 })
    await scene.advance(1_001)
    const renewed = await scene.submit({ payloads: [2], keys: ['k'], windowMs: 1_000 })
    expect(await scene.prune()).toEqual(NOTHING)
    const repeat = await scene.submit({ payloads: [2], keys: ['k'] })
    expect(repeat.verdicts).toEqual([{ status: 'duplicate', id: renewed.ids[0] }])
  })
}
