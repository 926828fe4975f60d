// Bulk writes of a settlement's transaction: what `into()` puts into the application's own tables.

import { makeDaily, makeEffects } from '../effects.js'
import { type Scope, steps } from '../steps.js'
import { needing, needsTransactions, type Suite, type Theme } from '../suite.js'

export const bulkWriteTheme: Theme = {
  name: 'bulk write',
  define: (suite) => writing(needing(suite, needsTransactions)),
}

function writing({ test }: Suite): void {
  test('leaves a row whose key exists, or overwrites it, as the write says', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const write = (ids: readonly string[], n: number, onConflict: 'ignore' | 'update') =>
      store.settleWithin([], (scope: Scope) =>
        steps(function* () {
          yield scope.write(effects.of(ids, n, onConflict))
          return []
        }),
      )
    await write(['a', 'b'], 1, 'ignore')
    await write(['b', 'c'], 2, 'ignore')
    expect(await effects.read()).toEqual({ a: 1, b: 1, c: 2 })
    await write(['b', 'd'], 3, 'update')
    expect(await effects.read()).toEqual({ a: 1, b: 3, c: 2, d: 3 })
  })

  test('writes a thousand rows, any text in them', async (scene) => {
    const { expect, store } = scene
    const effects = await makeEffects(scene)
    const ids = Array.from({ length: 1_000 }, (_, n) => `${n} 'quoted' "😀" ; drop table effects --`)
    await store.settleWithin([], (scope: Scope) =>
      steps(function* () {
        yield scope.write(effects.of(ids))
        return []
      }),
    )
    expect(Object.keys(await effects.read()).sort()).toEqual([...ids].sort())
  })

  test('writes a key of several columns, and null', async (scene) => {
    const { expect, store } = scene
    const daily = await makeDaily(scene)
    for (const onConflict of ['ignore', 'update'] as const) {
      await store.settleWithin([], (scope: Scope) =>
        steps(function* () {
          yield scope.write(daily.write(onConflict))
          return []
        }),
      )
    }
    expect(await daily.read()).toEqual(daily.rows)
  })
}
