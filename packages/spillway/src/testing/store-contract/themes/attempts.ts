// Attempts: what counts as one, what of it is remembered, and what is not one because it was not the command's turn.

import { LEASE_MS } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { awaiting, doubting, retrying, undoing, undone } from '../updates.js'

export const attemptsTheme: Theme = {
  name: 'attempts',
  define(suite) {
    remembering(suite)
    deferring(suite)
  },
}

function remembering({ test }: Suite): void {
  test('counts executions as attempts, not questions', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([doubting(0, 1_000), awaiting(1, 1_000, null)])
    await scene.promoteAfter(1_000)
    await scene.claim()
    await scene.advance(LEASE_MS + 1)
    const again = await scene.claim()
    expect(again.map(({ expiries }) => expiries)).toEqual([1, 1])
    for (const id of ids) expect((await scene.view(id)).attempts).toBe(1)
    for (const lease of again) await scene.settle(lease)
    for (const [at, stage] of ['reconcile', 'poll'].entries()) {
      const view = await scene.view(ids[at])
      expect(view).toMatchObject({
        state: 'succeeded',
        stage,
        attempts: 1,
        error: null,
        finishedAt: scene.now(),
      })
      expect(view.history.at(-1)).toEqual({ attempt: 1, stage, at: scene.now(), error: null })
    }
  })

  test('remembers what was tried, by whom and for how long', async (scene) => {
    const { expect } = scene
    const ran = { workerId: 'worker-7', durationMs: 25 }
    const { ids } = await scene.park([doubting(0, 1_000, { ran })])
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), {
      updates: [undoing(0, 1_000, { ran: { workerId: 'w', durationMs: 0 } })],
    })
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), { updates: [undone(0)] })
    const { history } = await scene.view(ids[0])
    expect(history.map(({ at: _, error: __, ...entry }) => entry)).toEqual([
      { attempt: 1, ...ran },
      { attempt: 1, stage: 'reconcile', workerId: 'w', durationMs: 0 },
      { attempt: 1, stage: 'compensate' },
    ])
    expect(history.map(({ error }) => error?.code)).toEqual(['unknown', 'failed', 'failed'])
    expect(history.map(({ at }) => at)).toEqual([2_002, 1_001, 0].map((ago) => scene.now() - ago))
  })
}

function deferring({ test }: Suite): void {
  test('adds nothing to the history of a command whose turn it was not', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([retrying(0, 1_000, 0, { deferred: true, error: null })])
    expect(await scene.view(ids[0])).toMatchObject({
      ...{ state: 'retrying', attempts: 0, error: null, history: [], nextAt: scene.now() + 1_000 },
    })
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), { updates: [retrying(0, 1_000)] })
    const before = await scene.view(ids[0])
    expect(before.history).toHaveLength(1)
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), {
      updates: [retrying(0, 5_000, 1, { deferred: true, error: null })],
    })
    expect(await scene.view(ids[0])).toEqual({ ...before, nextAt: scene.now() + 5_000 })
  })

  test('shows why a command was deferred when that is said', async (scene) => {
    const { expect } = scene
    const { ids } = await scene.park([retrying(0, 1_000)])
    await scene.promoteAfter(1_000)
    const error = { code: 'rate_limited', message: 'too many' }
    await scene.settle(await scene.claimOne(), {
      updates: [retrying(0, 1_000, 1, { deferred: true, error })],
    })
    const view = await scene.view(ids[0])
    expect(view.error).toEqual(error)
    expect(view.history).toHaveLength(1)
  })
}
