// The store contract: what every store must do, said once and run against each of them.

import type { ForAll, StoreHarness, TestApi } from './harness.js'
import { seededSequences } from './sequences.js'
import { newSuite } from './suite.js'
import { THEMES } from './themes/index.js'

/** Defines the contract's tests for one store. Call it at the top level of a test file. */
export function storeContract(harness: StoreHarness, api: TestApi): void {
  const forAll: ForAll = api.forAll ?? seededSequences
  api.describe(`${harness.name} fulfils the store contract`, () => {
    for (const theme of THEMES) {
      api.describe(theme.name, () => theme.define(newSuite(harness, api, forAll)))
    }
  })
}
