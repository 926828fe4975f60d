// A transaction that fails leaves no trace, and neither does a savepoint in one that does not (I6).

import type { Settlement } from '../../../domain/index.js'
import { isSpillwayError } from '../../../errors/index.js'
import { makeEffects } from '../effects.js'
import { rejectionOf } from '../rejection.js'
import { settlementOf } from '../scene.js'
import { type Scope, steps } from '../steps.js'
import {
  needing,
  needsAsyncTransactions,
  needsSyncTransactions,
  needsTransactions,
  type Suite,
  type Theme,
} from '../suite.js'
import { failing } from '../updates.js'

const POISON = new Error('poison')

export const undoTheme: Theme = {
  name: 'undo',
  define(suite) {
    undoing(needing(suite, needsTransactions))
    abandoning(needing(suite, needsAsyncTransactions))
  },
}

function undoing({ test }: Suite): void {
  test('undoes effects and settlement when the work throws, and passes the error on', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const { ids } = await scene.submit({ size: 2 })
    const lease = await scene.claimOne()
    const work = (scope: Scope) =>
      steps(function* (): Generator<unknown, Settlement[]> {
        yield scope.write(effects.of(ids))
        throw POISON
      })
    expect(await rejectionOf(store.settleWithin([lease], work))).toBe(POISON)
    expect(await effects.read()).toEqual({})
    expect(await scene.states(ids)).toEqual(['running', 'running'])
    expect(await scene.settle(lease)).toBe('ok')
  })

  test('undoes an overwritten row to what it was', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    await store.settleWithin([], (scope: Scope) =>
      steps(function* () {
        yield scope.write(effects.of(['a'], 1))
        return []
      }),
    )
    const work = (scope: Scope) =>
      steps(function* (): Generator<unknown, Settlement[]> {
        yield scope.write(effects.of(['a', 'b'], 2, 'update'))
        throw POISON
      })
    await rejectionOf(store.settleWithin([], work))
    expect(await effects.read()).toEqual({ a: 1 })
  })

  test('undoes what a savepoint did when it throws, and keeps the rest', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const { ids } = await scene.submit({ size: 3 })
    const lease = await scene.claimOne()
    const [good, bad, better] = ids as [string, string, string]
    const work = (scope: Scope) =>
      steps(function* () {
        yield scope.write(effects.of([good]))
        try {
          yield scope.savepoint(() =>
            steps(function* () {
              yield scope.write(effects.of([bad]))
              throw POISON
            }),
          )
        } catch (error) {
          expect(error).toBe(POISON)
        }
        yield scope.savepoint(() => scope.write(effects.of([better])))
        return [settlementOf(lease, { updates: [failing(1)] })]
      })
    expect(await store.settleWithin([lease], work)).toEqual(['ok'])
    expect(await effects.read()).toEqual({ [good]: 1, [better]: 1 })
    expect(await scene.states(ids)).toEqual(['succeeded', 'failed', 'succeeded'])
  })

  test('undoes a savepoint within a savepoint alone, and everything in the outer one with it', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const inner = (scope: Scope, id: string) =>
      steps(function* () {
        try {
          yield scope.savepoint(() =>
            steps(function* () {
              yield scope.write(effects.of([id]))
              throw POISON
            }),
          )
        } catch {
          yield scope.write(effects.of([`${id} undone`]))
        }
      })
    await store.settleWithin([], (scope: Scope) =>
      steps(function* () {
        yield scope.savepoint(() => inner(scope, 'kept'))
        try {
          yield scope.savepoint(() =>
            steps(function* () {
              yield inner(scope, 'lost')
              throw POISON
            }),
          )
        } catch {
          yield scope.write(effects.of(['last']))
        }
        return []
      }),
    )
    expect(await effects.read()).toEqual({ 'kept undone': 1, last: 1 })
  })

  test(
    'returns what a savepoint returns',
    async (scene) => {
      const { expect, store } = scene
      await store.settleWithin([], (scope: Scope) =>
        steps(function* () {
          expect(yield scope.savepoint(() => 'value')).toBe('value')
          return []
        }),
      )
    },
    ({ capabilities }) =>
      capabilities.transactionalSettle === 'none' ? 'the store has no transactions' : null,
  )

  test(
    'rejects work that returns a promise, undoes its effects, and keeps working',
    async (scene) => {
      const { expect, store } = scene
      const effects = await makeEffects(scene)
      const { ids } = await scene.submit()
      const lease = await scene.claimOne()
      const work = async (scope: Scope) => {
        await scope.write(effects.of(ids))
        return [settlementOf(lease)]
      }
      const error = await rejectionOf(store.settleWithin([lease], work))
      expect(isSpillwayError(error, 'sync_handler_required')).toBe(true)
      expect(await effects.read()).toEqual({})
      expect(await scene.states(ids)).toEqual(['running'])
      expect(await scene.settle(lease)).toBe('ok')
    },
    needsSyncTransactions,
  )

  test(
    'rejects a savepoint that returns a promise',
    async (scene) => {
      const { expect, store } = scene
      const effects = await makeEffects(scene)
      const work = (scope: Scope) => {
        void scope.savepoint(async () => scope.write(effects.of(['a'])))
        return []
      }
      const error = await rejectionOf(store.settleWithin([], work))
      expect(isSpillwayError(error, 'sync_handler_required')).toBe(true)
      expect(await effects.read()).toEqual({})
    },
    needsSyncTransactions,
  )
}

/** A handler that hangs loses its transaction; what it comes to later must not reach whoever has the connection then. */
function abandoning({ test }: Suite): void {
  for (const [how, end] of [
    ['throws', (late: Late) => late.reject(POISON)],
    ['returns', (late: Late) => late.resolve()],
  ] as const) {
    test(`leaves other transactions alone when work in a savepoint ${how} after the call ended`, async (scene) => {
      const { expect, store } = scene
      const effects = await makeEffects(scene)
      const late = newLate()
      const call = store.settleWithin([], async (scope: Scope) => {
        const begun = newLate()
        const abandoned = scope.savepoint(() => {
          begun.resolve()
          return late.promise
        })
        abandoned.catch(() => undefined)
        await begun.promise
        throw POISON
      })
      expect(await rejectionOf(call)).toBe(POISON)
      await store.settleWithin([], async (scope: Scope) => {
        await scope.savepoint(async () => {
          await scope.write(effects.of(['a']))
          end(late)
          for (const id of ['b', 'c', 'd']) await scope.write(effects.of([id]))
        })
        return []
      })
      expect(await effects.read()).toEqual({ a: 1, b: 1, c: 1, d: 1 })
    })
  }

  test('begins no savepoint after the call ended', async (scene) => {
    const { expect, store } = scene
    let kept: Scope | null = null
    await store.settleWithin([], async (scope: Scope) => {
      kept = scope
      return []
    })
    let ran = false
    const late = Promise.resolve().then(() =>
      (kept as unknown as Scope).savepoint(async () => {
        ran = true
      }),
    )
    expect((await rejectionOf(late)) instanceof Error).toBe(true)
    expect(ran).toBe(false)
  })
}

interface Late {
  readonly promise: Promise<void>
  resolve(): void
  reject(error: unknown): void
}

function newLate(): Late {
  let resolve: () => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<void>((resolvePromise, rejectPromise) => {
    resolve = resolvePromise
    reject = rejectPromise
  })
  return { promise, resolve: () => resolve(), reject: (error) => reject(error) }
}
