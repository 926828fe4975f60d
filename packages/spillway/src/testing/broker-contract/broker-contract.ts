// The broker contract: what every broker must do, said once and run against each of them.

import type { BrokerHarness, BrokerTestApi } from './harness.js'
import { newSuite } from './suite.js'
import { THEMES } from './themes/index.js'

/** Defines the contract's tests for one broker. Call it at the top level of a test file, or within a describe. */
export function brokerContract(harness: BrokerHarness, api: BrokerTestApi): void {
  api.describe(`${harness.name} fulfils the broker contract`, () => {
    for (const theme of THEMES) {
      api.describe(theme.name, () => theme.define(newSuite(harness, api, theme.isFaulty ?? false)))
    }
  })
}
