// Completion: a pending command is over when somebody shows its token, once, in time, and while no worker has it.

import { fingerprint } from '../../../domain/index.js'
import type { TokenCompletion } from '../../../ports/index.js'
import { DAY_MS, LEASE_MS, type Scene } from '../scene.js'
import type { Suite, Theme } from '../suite.js'
import { awaiting, doubting, dying, failing, MINUTE_MS, retrying, succeeding, undoing } from '../updates.js'

const HASH = fingerprint('"a token"')
const ACTED = { actor: 'tester', action: 'complete', target: 'a token', reason: null }

function answer(update = succeeding(0, 'done'), tokenHash = HASH): TokenCompletion {
  const { index: _, ...rest } = update
  return { tokenHash, update: rest }
}

/** A command that waits for its counterpart, and is asked about itself after a second. */
function wait(scene: Scene, tokenHash = HASH) {
  return scene.park([awaiting(0, 1_000, tokenHash)])
}

export const completionTheme: Theme = {
  name: 'completion',
  define(suite) {
    looking(suite)
    completing(suite)
    refusing(suite)
    racing(suite)
    following(suite)
  },
}

function looking({ test }: Suite): void {
  test('finds the command that waits for a token, with its payload', async (scene) => {
    const { expect, store } = scene
    const { ids } = await scene.park([awaiting(0, 1_000, HASH, { memo: '{"pendingUntil":1}' })], {
      payloads: [{ a: 'ü' }],
    })
    const found = await store.reader.waiting(HASH)
    const { payload, ...view } = await scene.view(ids[0])
    expect(found).toEqual({ view, payload })
    expect(view).toMatchObject({ state: 'pending', stage: 'poll', memo: '{"pendingUntil":1}' })
    expect(await store.reader.waiting(fingerprint('"no token"'))).toBe(null)
    expect(await store.reader.waiting('')).toBe(null)
  })

  test('finds it while a worker has it, and not once the token has expired', async (scene) => {
    const { expect, store } = scene
    const { ids } = await wait(scene)
    const found = async () => (await store.reader.waiting(HASH))?.view.id
    await scene.promoteAfter(1_000)
    expect(await found()).toBe(ids[0])
    await scene.claimOne()
    expect(await found()).toBe(ids[0])
    await scene.advance(MINUTE_MS)
    expect(await found()).toBe(undefined)
  })

  test('finds the newest of those that wait for the same token', async (scene) => {
    const { expect, store } = scene
    await wait(scene)
    await scene.advance(10)
    const newest = await wait(scene)
    expect((await store.reader.waiting(HASH))?.view.id).toBe(newest.ids[0])
    expect(await store.control.complete([answer()])).toEqual(['ok'])
    expect(await scene.states(newest.ids)).toEqual(['succeeded'])
  })

  test('finds a command that a volatile channel parked as pending', async (scene) => {
    const { expect, store } = scene
    const pending = {
      state: 'pending',
      stage: 'poll',
      nextAt: scene.now() + 1_000,
      attempts: 1,
      error: null,
    } as const
    const completion = { tokenHash: HASH, expiresInMs: MINUTE_MS }
    const { ids } = await scene.submit({ payloads: ['p'], parked: [{ ...pending, completion }] })
    expect(await store.reader.waiting(HASH)).toMatchObject({ view: { id: ids[0] }, payload: '"p"' })
    await scene.advance(MINUTE_MS + 1)
    expect(await store.reader.waiting(HASH)).toBe(null)
  })
}

function completing({ test }: Suite): void {
  test('ends what it completes, and remembers how', async (scene) => {
    const { expect, store } = scene
    const { ids } = await wait(scene)
    await scene.advance(500)
    const ran = { workerId: 'completion', durationMs: 3 }
    const { update } = answer({ ...succeeding(0, { letter: 7 }), ran })
    expect(await store.control.complete([{ tokenHash: HASH, update }])).toEqual(['ok'])
    const view = await scene.view(ids[0])
    expect(view).toMatchObject({ state: 'succeeded', result: '{"letter":7}', attempts: 1, error: null })
    expect(view).toMatchObject({ finishedAt: scene.now(), nextAt: null })
    expect(view.history).toHaveLength(2)
    expect(view.history[1]).toEqual({ attempt: 1, stage: 'poll', at: scene.now(), error: null, ...ran })
    expect(await scene.promoteAfter(1_000)).toBe(0)
    expect(await store.reader.accounting()).toMatchObject({ accepted: 1, succeeded: 1, pending: 0 })
  })

  test('makes of it whatever the update says', async (scene) => {
    const { expect, store } = scene
    const updates = [
      failing(0),
      retrying(0, 5_000, 1, { memo: null }),
      doubting(0, 5_000, { memo: '{"reconciliations":0}' }),
      undoing(0, 5_000),
      dying(0, 1, { stage: 'reconcile', fingerprint: 'alike' }),
    ]
    for (const update of updates) {
      const { ids } = await wait(scene)
      expect(await store.control.complete([answer(update)])).toEqual(['ok'])
      const { state, stage = 'execute', error, memo = null, fingerprint: alike = null } = update
      expect(await scene.view(ids[0])).toMatchObject({ state, stage, error, memo, fingerprint: alike })
      expect(await store.reader.waiting(HASH)).toBe(null)
    }
    expect(await scene.promoteAfter(4_998)).toBe(0)
    expect(await scene.promoteAfter(1)).toBe(3)
  })

  test('can be retried and wait for its counterpart again', async (scene) => {
    const { expect, store } = scene
    const { ids } = await wait(scene)
    expect(await store.control.complete([answer(retrying(0, 1_000))])).toEqual(['ok'])
    await scene.promoteAfter(1_000)
    await scene.settle(await scene.claimOne(), { updates: [awaiting(0, 1_000, HASH, { attempts: 2 })] })
    expect(await store.control.complete([answer(succeeding(0, 'at last', 2))])).toEqual(['ok'])
    expect(await scene.view(ids[0])).toMatchObject({ state: 'succeeded', attempts: 2 })
  })

  test('lets its family be pruned once all of it is over', async (scene) => {
    const { expect, store } = scene
    await wait(scene)
    await scene.advance(DAY_MS)
    expect(await scene.prune()).toMatchObject({ commands: 0 })
    const late = await scene.park([awaiting(0, 1_000, HASH)])
    await store.control.complete([answer()])
    await scene.advance(DAY_MS + 1)
    expect(await scene.prune()).toMatchObject({ commands: 1 })
    expect(await scene.states(late.ids)).toEqual([null])
  })
}

function refusing({ test }: Suite): void {
  test('takes a token once', async (scene) => {
    const { expect, store } = scene
    const { ids } = await wait(scene)
    expect(await store.control.complete([answer()])).toEqual(['ok'])
    const before = await scene.view(ids[0])
    expect(await store.control.complete([answer(failing(0))])).toEqual(['not_found'])
    expect(await scene.view(ids[0])).toEqual(before)
  })

  test('takes no token that has expired or that nobody gave out', async (scene) => {
    const { expect, store } = scene
    const { ids } = await wait(scene)
    expect(await store.control.complete([answer(failing(0), fingerprint('"guessed"'))])).toEqual([
      'not_found',
    ])
    await scene.advance(MINUTE_MS + 1)
    expect(await store.control.complete([answer()])).toEqual(['not_found'])
    expect(await scene.states(ids)).toEqual(['pending'])
    expect(await store.control.complete([])).toEqual([])
  })

  test('takes no token of a command that waits without one by now', async (scene) => {
    const { expect, store } = scene
    const updates = [awaiting(0, 1_000, null), retrying(0, 1_000), failing(0)]
    for (const update of updates) {
      const { ids } = await wait(scene)
      await scene.promoteAfter(1_000)
      await scene.settle(await scene.claimOne(), { updates: [update] })
      expect(await store.reader.waiting(HASH)).toBe(null)
      expect(await store.control.complete([answer()])).toEqual(['not_found'])
      expect(await scene.states(ids)).toEqual([update.state])
      await scene.promoteAfter(1_000)
      for (const lease of await scene.claim()) await scene.settle(lease)
    }
  })

  test('is busy while a worker may have it, and works once it has not', async (scene) => {
    const { expect, store } = scene
    const { ids } = await wait(scene)
    await scene.promoteAfter(1_000)
    expect(await store.control.complete([answer()])).toEqual(['busy'])
    const lease = await scene.claimOne()
    expect(await store.control.complete([answer()])).toEqual(['busy'])
    await scene.advance(LEASE_MS + 1)
    expect(await store.control.complete([answer()])).toEqual(['busy'])
    expect(await scene.states(ids)).toEqual(['pending'])
    expect(await scene.settle(lease, { updates: [awaiting(0, 1_000, HASH)] })).toBe('ok')
    expect(await store.control.complete([answer()])).toEqual(['ok'])
    expect(await scene.states(ids)).toEqual(['succeeded'])
  })

  test('answers each of a list by itself', async (scene) => {
    const { expect, store } = scene
    const [one, two] = [fingerprint('1'), fingerprint('2')]
    const first = await wait(scene, one)
    await wait(scene, two)
    await scene.promoteAfter(1_000)
    const [lease] = await scene.claim()
    await scene.settle(lease as NonNullable<typeof lease>, {
      updates: [awaiting(0, 1_000, one), awaiting(1, 1_000, two)],
    })
    const items = [
      answer(undefined, one),
      answer(undefined, one),
      answer(failing(0), HASH),
      answer(failing(0), two),
    ]
    expect(await store.control.complete(items)).toEqual(['ok', 'not_found', 'not_found', 'ok'])
    expect(await scene.states(first.ids)).toEqual(['succeeded'])
  })
}

function racing({ test }: Suite): void {
  test('lets one of two completions win (I16)', async (scene) => {
    const { expect, store } = scene
    const { ids } = await wait(scene)
    const verdicts = await Promise.all([
      store.control.complete([answer()]),
      store.control.complete([answer(failing(0))]),
    ])
    expect(verdicts.flat().sort()).toEqual(['not_found', 'ok'])
    const [first] = verdicts[0] ?? []
    expect(await scene.states(ids)).toEqual([first === 'ok' ? 'succeeded' : 'failed'])
  })

  test('lets either the completion or the promotion have a command (I16)', async (scene) => {
    const { expect, store } = scene
    for (let round = 0; round < 4; round += 1) {
      const { ids } = await wait(scene)
      await scene.advance(1_001)
      const calls = [() => store.control.complete([answer()]), () => scene.promote()]
      const [one, other] = await Promise.all(
        (round % 2 === 0 ? calls : calls.reverse()).map((call) => call()),
      )
      const [verdict, moved] = round % 2 === 0 ? [one, other] : [other, one]
      if (moved === 0) {
        expect(verdict).toEqual(['ok'])
        expect(await scene.states(ids)).toEqual(['succeeded'])
      } else {
        expect(verdict).toEqual(['busy'])
        await scene.settle(await scene.claimOne())
      }
    }
  })
}

function following({ test }: Suite): void {
  test('stores what follows and who did it with what took effect, and nothing otherwise', async (scene) => {
    const { expect, store } = scene
    await wait(scene)
    const appends = [
      scene.draft({ queue: 'callbacks', payloads: ['told'] }),
      scene.draft({ queue: 'callbacks' }),
    ]
    const items = [answer(), answer(failing(0), fingerprint('"guessed"'))]
    expect(await store.control.complete(items, { appends, audit: ACTED })).toEqual(['ok', 'not_found'])
    const leases = await scene.claim({ queue: 'callbacks' })
    expect(leases.map(({ body }) => body)).toEqual(['["told"]'])
    expect((await store.reader.audit({ limit: 10 })).items).toMatchObject([
      { ...ACTED, count: 1, at: scene.now() },
    ])
    const late = { appends: [scene.draft({ queue: 'callbacks' })], audit: ACTED }
    expect(await store.control.complete([answer()], late)).toEqual(['not_found'])
    expect(await scene.claim({ queue: 'callbacks' })).toEqual([])
    expect((await store.reader.audit({ limit: 10 })).items).toHaveLength(1)
  })
}
