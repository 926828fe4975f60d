// Settling together with a handler's effects: both are committed, or neither is, and only under leases that are valid (I6).

import type { Lease } from '../../../domain/index.js'
import { makeEffects } from '../effects.js'
import { rejectionOf } from '../rejection.js'
import { LEASE_MS, settlementOf } from '../scene.js'
import { type Scope, steps } from '../steps.js'
import { needing, needsTransactions, type Suite, type Theme } from '../suite.js'
import { failing, retrying, succeeding } from '../updates.js'

export const settleWithinTheme: Theme = {
  name: 'settle within a transaction',
  define(suite) {
    committing(needing(suite, needsTransactions))
    fencing(needing(suite, needsTransactions))
  },
}

function committing({ test }: Suite): void {
  test('commits effects and settlement together', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const { ids } = await scene.submit({ size: 2 })
    const lease = await scene.claimOne()
    const verdicts = await store.settleWithin([lease], (scope: Scope, valid: readonly boolean[]) =>
      steps(function* () {
        expect(valid).toEqual([true])
        yield scope.write(effects.of(ids))
        return [settlementOf(lease, { updates: [succeeding(1, 'v')] })]
      }),
    )
    expect(verdicts).toEqual(['ok'])
    expect(await effects.read()).toEqual({ [ids[0] as string]: 1, [ids[1] as string]: 1 })
    expect(await scene.states(ids)).toEqual(['succeeded', 'succeeded'])
    expect((await scene.view(ids[1])).result).toBe('"v"')
    expect(await scene.settle(lease)).toBe('stale')
  })

  test('settles several chunks, with outcomes of every kind, in one commit', async (scene) => {
    const { expect, store } = scene
    const submitted = await scene.append([scene.draft({ size: 2 }), scene.draft({ size: 2 })])
    const leases = await scene.claim()
    const work = () => [
      settlementOf(leases[0] as Lease, { updates: [failing(0)] }),
      settlementOf(leases[1] as Lease, { updates: [retrying(1, 1_000)], finished: [0], complete: false }),
    ]
    expect(await store.settleWithin(leases, work)).toEqual(['ok', 'ok'])
    expect(await scene.states(submitted.flatMap(({ ids }) => ids))).toEqual([
      'failed',
      'succeeded',
      'succeeded',
      'retrying',
    ])
    expect(await scene.settle(leases[1] as Lease)).toBe('ok')
  })

  test('settles a chunk slice by slice, each with its effects', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const { ids } = await scene.submit({ size: 3 })
    const lease = await scene.claimOne()
    for (const index of [0, 1, 2]) {
      const work = (scope: Scope) =>
        steps(function* () {
          yield scope.write(effects.of([ids[index] as string]))
          return [settlementOf(lease, { finished: [index], complete: index === 2 })]
        })
      expect(await store.settleWithin([lease], work)).toEqual(['ok'])
      expect(Object.keys(await effects.read())).toHaveLength(index + 1)
      expect((await scene.states(ids)).filter((state) => state === 'succeeded')).toHaveLength(index + 1)
    }
  })

  test('writes effects without any lease', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const work = (scope: Scope, valid: readonly boolean[]) =>
      steps(function* () {
        expect(valid).toEqual([])
        yield scope.write(effects.of(['a', 'b'], 7))
        return []
      })
    expect(await store.settleWithin([], work)).toEqual([])
    expect(await effects.read()).toEqual({ a: 7, b: 7 })
  })

  test('leaves a lease that the work settles nothing of with its holder', async (scene) => {
    const { expect, store } = scene
    await scene.submit()
    const lease = await scene.claimOne()
    expect(await store.settleWithin([lease], () => [])).toEqual(['ok'])
    expect(await scene.settle(lease)).toBe('ok')
  })
}

function fencing({ test }: Suite): void {
  test('tells the work which leases are still valid, and settles only those', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const lost = await scene.submit()
    const late = await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    await scene.claimOne({ workerId: 'other' })
    const held = await scene.submit()
    const lease = await scene.claimOne()
    const unknown = { chunkId: scene.newChunkId(), token: 1 }
    const verdicts = await store.settleWithin(
      [late, lease, unknown],
      (scope: Scope, valid: readonly boolean[]) =>
        steps(function* () {
          expect(valid).toEqual([false, true, false])
          yield scope.write(effects.of(held.ids))
          return [settlementOf(lease)]
        }),
    )
    expect(verdicts).toEqual(['stale', 'ok', 'stale'])
    expect(await scene.states([...lost.ids, ...held.ids])).toEqual(['running', 'succeeded'])
  })

  test('undoes everything when the work settles a lease that is not valid', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const { ids } = await scene.submit()
    const late = await scene.claimOne()
    await scene.advance(LEASE_MS + 1)
    await scene.claimOne({ workerId: 'other' })
    const good = await scene.submit()
    const lease = await scene.claimOne()
    const work = (scope: Scope) =>
      steps(function* () {
        yield scope.write(effects.of([...ids, ...good.ids]))
        return [settlementOf(lease), settlementOf(late, { updates: [failing(0)] })]
      })
    await rejectionOf(store.settleWithin([late, lease], work))
    expect(await effects.read()).toEqual({})
    expect(await scene.states([...ids, ...good.ids])).toEqual(['running', 'running'])
  })

  test('lets one of two settlements of the same lease at once write its effects', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const { ids } = await scene.submit()
    const lease = await scene.claimOne()
    const attempt = (n: number) =>
      store.settleWithin([lease], (scope: Scope, valid: readonly boolean[]) =>
        steps(function* () {
          if (!valid[0]) return []
          yield scope.write(effects.of([`${ids[0]} by ${n}`]))
          return [settlementOf(lease)]
        }),
      )
    const verdicts = (await Promise.all([attempt(1), attempt(2), scene.settle(lease)])).flat()
    expect(verdicts.filter((verdict) => verdict === 'ok')).toHaveLength(1)
    expect(Object.keys(await effects.read())).toHaveLength(verdicts[2] === 'ok' ? 0 : 1)
  })
}
