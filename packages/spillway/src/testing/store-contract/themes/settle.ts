// Settle: outcomes are written once, by the holder of the lease and nobody else.

import { HISTORY_MAX, type Settlement } from '../../../domain/index.js'
import { LEASE_MS } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { dying, failing, retrying, succeeding } from '../updates.js'

export const settleTheme: Theme = {
  name: 'settle',
  define(suite) {
    completing(suite)
    fencing(suite)
    updating(suite)
    remembering(suite)
  },
}

function completing({ test }: Suite): void {
  test('lets every command without a word succeed when the chunk completes', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    const lease = await scene.claimOne()
    await scene.advance(100)
    expect(await scene.settle(lease)).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    expect(await scene.view(ids[0])).toMatchObject({
      attempts: 1,
      finishedAt: scene.now(),
      error: null,
      result: null,
    })
    expect(await scene.claim()).toEqual([])
  })

  test('writes parts of a chunk, then the rest', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 4 })
    const lease = await scene.claimOne()
    expect(await scene.settle(lease, { finished: [0], updates: [failing(1)], complete: false })).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded', 'failed', 'running', 'running'])
    expect(await scene.settle(lease, { updates: [dying(2)] })).toBe('ok')
    expect(await scene.states(ids)).toEqual(['succeeded', 'failed', 'dead', 'succeeded'])
  })

  test('resumes a partly settled chunk where it was', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 3 })
    await scene.settle(await scene.claimOne(), { finished: [0], updates: [failing(2)], complete: false })
    await scene.advance(LEASE_MS + 1)
    const again = await scene.claimOne()
    expect(again).toMatchObject({ skip: [0, 2], expiries: 1 })
    await scene.settle(again)
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded', 'failed'])
  })

  test('settles a thousand commands of which every one has an outcome of its own', async (scene) => {
    const { expect, store } = scene
    await scene.submit({ size: 1_000 })
    const updates = Array.from({ length: 1_000 }, (_, n) =>
      n % 3 === 0 ? failing(n) : n % 3 === 1 ? retrying(n, 1_000) : succeeding(n, n),
    )
    expect(await scene.settle(await scene.claimOne(), { updates })).toBe('ok')
    expect(await store.reader.accounting()).toMatchObject({
      accepted: 1_000,
      failed: 334,
      retrying: 333,
      succeeded: 333,
    })
  })
}

function fencing({ test }: Suite): void {
  test('calls the second of two equal settlements stale', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    const lease = await scene.claimOne()
    expect(await scene.settle(lease, { updates: [failing(0)] })).toBe('ok')
    const before = await scene.view(ids[0])
    expect(await scene.settle(lease, { updates: [failing(0)] })).toBe('stale')
    expect(await scene.view(ids[0])).toEqual(before)
  })

  test('writes nothing for a token that is not the current one', async (scene) => {
    const { expect } = scene
    const { ids, chunkId } = await scene.submit({ size: 2 })
    const { token } = await scene.claimOne()
    for (const wrong of [0, token - 1, token + 1]) {
      expect(await scene.settle({ chunkId, token: wrong }, { updates: [failing(0)] })).toBe('stale')
    }
    expect(await scene.states(ids)).toEqual(['running', 'running'])
    expect(await scene.settle({ chunkId, token })).toBe('ok')
  })

  test('writes nothing for a holder whose lease another worker took over', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    const late = await scene.claimOne({ workerId: 'paused' })
    await scene.advance(LEASE_MS + 1)
    const current = await scene.claimOne({ workerId: 'current' })
    expect(await scene.settle(late, { updates: [failing(0)], finished: [1] })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['running', 'running'])
    expect(await scene.settle(current)).toBe('ok')
    expect(await scene.settle(late, { updates: [failing(0)] })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
  })

  test('writes nothing for a chunk that was never leased or never there', async (scene) => {
    const { expect } = scene
    const { ids, chunkId } = await scene.submit()
    for (const token of [0, 1]) expect(await scene.settle({ chunkId, token })).toBe('stale')
    expect(await scene.settle({ chunkId: scene.newChunkId(), token: 1 })).toBe('stale')
    expect(await scene.states(ids)).toEqual(['accepted'])
  })

  test('settles the good ones of a list and calls only the stale ones stale', async (scene) => {
    const { expect, store } = scene
    const submitted = await scene.append([scene.draft(), scene.draft(), scene.draft()])
    const leases = await scene.claim()
    const items: Settlement[] = leases.map(({ chunkId, token }, at) => ({
      chunkId,
      token: at === 1 ? token + 5 : token,
      updates: [failing(0)],
      finished: [],
      complete: true,
    }))
    expect(await store.settle(items)).toEqual(['ok', 'stale', 'ok'])
    expect(await scene.states(submitted.map(({ ids }) => ids[0] as string))).toEqual([
      'failed',
      'running',
      'failed',
    ])
    expect(await store.settle([])).toEqual([])
  })

  test('lets one of two concurrent settlements of a lease win', async (scene) => {
    const { expect } = scene
    await scene.submit()
    const lease = await scene.claimOne()
    const verdicts = await Promise.all([scene.settle(lease), scene.settle(lease, { updates: [failing(0)] })])
    expect([...verdicts].sort()).toEqual(['ok', 'stale'])
  })
}

function updating({ test }: Suite): void {
  test('keeps attempts, error and times of a command that did not succeed', async (scene) => {
    const { expect } = scene
    const { ids, createdAt } = await scene.submit({ size: 3, priority: 2 })
    const lease = await scene.claimOne()
    await scene.advance(250)
    await scene.settle(lease, { updates: [failing(0), retrying(1, 5_000), dying(2, 4)] })
    const now = scene.now()
    const common = { acceptedAt: createdAt, priority: 2, generation: 0 }
    expect(await scene.view(ids[0])).toMatchObject({
      ...common,
      state: 'failed',
      attempts: 1,
      nextAt: null,
      finishedAt: now,
      error: { code: 'failed', message: 'refused 0' },
    })
    expect(await scene.view(ids[1])).toMatchObject({
      ...common,
      state: 'retrying',
      attempts: 1,
      nextAt: now + 5_000,
      finishedAt: null,
    })
    expect(await scene.view(ids[2])).toMatchObject({
      ...common,
      state: 'dead',
      attempts: 4,
      nextAt: null,
      finishedAt: now,
    })
  })

  test('keeps the value of a command that succeeded with one', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit({ size: 2 })
    await scene.settle(await scene.claimOne(), { updates: [succeeding(1, { answer: "4'2" })] })
    expect(await scene.view(ids[1])).toMatchObject({
      state: 'succeeded',
      result: `{"answer":"4'2"}`,
      attempts: 1,
      error: null,
    })
    expect(await scene.view(ids[0])).toMatchObject({ state: 'succeeded', result: null })
  })
}

function remembering({ test }: Suite): void {
  test('remembers every attempt that failed, oldest first', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit()
    const times: number[] = []
    for (const attempt of [1, 2, 3]) {
      const lease = await scene.claimOne()
      await scene.settle(lease, { updates: [attempt < 3 ? retrying(0, 1_000, attempt) : dying(0, attempt)] })
      times.push(scene.now())
      await scene.advance(1_001)
      await scene.promote()
    }
    const { history } = await scene.view(ids[0])
    expect(history.map(({ attempt, at }) => [attempt, at])).toEqual(times.map((at, n) => [n + 1, at]))
    expect(history.map(({ error }) => error?.code)).toEqual(['timeout', 'timeout', 'internal'])
  })

  test('remembers only the latest attempts of very many', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit()
    const attempts = HISTORY_MAX + 5
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000, attempt)] })
      await scene.advance(1_001)
      await scene.promote()
    }
    const { history } = await scene.view(ids[0])
    expect(history).toHaveLength(HISTORY_MAX)
    expect(history.at(-1)?.attempt).toBe(attempts)
    expect(history[0]?.attempt).toBe(attempts - HISTORY_MAX + 1)
  })

  test('keeps any text of an error as it is', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.submit()
    const error = { code: 'E"\'`', message: 'ünï 😀 \u0000 \\ \u2028', stack: 'at a\n  at b' }
    await scene.settle(await scene.claimOne(), { updates: [{ ...dying(0), error }] })
    const view = await scene.view(ids[0])
    expect(view.error).toEqual(error)
    expect(view.history).toEqual([{ attempt: 1, at: scene.now(), error }])
  })
}
