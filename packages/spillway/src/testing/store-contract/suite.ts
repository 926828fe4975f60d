// One theme of the contract: named tests, each on a fresh store, each ended by the accounting identity.

import type { StoreCapabilities } from '../../ports/index.js'
import { expectAccounting } from './accounting.js'
import type { ForAll, StoreHarness, StoreUnderTest, TestApi, TestContext } from './harness.js'
import { Scene } from './scene.js'

/** Why a test does not apply to a store, or null when it does. */
export type Need = (subject: {
  readonly capabilities: StoreCapabilities
  readonly reopens: boolean
}) => string | null

export const needsTransactions: Need = ({ capabilities }) =>
  capabilities.transactionalSettle === 'none' ? 'the store has no transactions for handlers' : null

export const needsSyncTransactions: Need = ({ capabilities }) =>
  capabilities.transactionalSettle === 'sync' ? null : 'handlers of this store need not be synchronous'

export const needsAsyncTransactions: Need = ({ capabilities }) =>
  capabilities.transactionalSettle === 'async'
    ? null
    : 'handlers of this store are over when their transaction is'

export const needsReopen: Need = ({ reopens }) => (reopens ? null : 'the data belongs to one handle')

export interface Suite {
  test(name: string, body: (scene: Scene) => Promise<void>, need?: Need): void
  /** A test on a store that was neither migrated nor opened. */
  bareTest(name: string, body: (subject: StoreUnderTest, expect: TestApi['expect']) => Promise<void>): void
  /** A property of any sequence of choices, each sequence on a fresh store. */
  forAllScenes(name: string, property: (scene: Scene, choices: readonly number[]) => Promise<void>): void
}

/** The same suite for tests that all have the same need. */
export function needing(suite: Suite, need: Need): Suite {
  return { ...suite, test: (name, body, own = need) => suite.test(name, body, own) }
}

export interface Theme {
  readonly name: string
  define(suite: Suite): void
}

export function newSuite(harness: StoreHarness, api: TestApi, forAll: ForAll): Suite {
  return {
    forAllScenes(name, property) {
      api.it(name, () =>
        forAll(async (choices) => {
          const subject = await harness.make()
          try {
            await property(new Scene(subject, api.expect), choices)
          } finally {
            await subject.dispose()
          }
        }),
      )
    },
    test(name, body, need) {
      api.it(name, async (context) => {
        const subject = await harness.make()
        try {
          if (skips(subject, need, context)) return
          const scene = new Scene(subject, api.expect)
          await body(scene)
          await expectAccounting(subject.store, api.expect)
        } finally {
          await subject.dispose()
        }
      })
    },
    bareTest(name, body) {
      api.it(name, async (context) => {
        if (harness.makeBare === undefined) return context.skip('the store has no schema')
        const subject = await harness.makeBare()
        try {
          await body(subject, api.expect)
        } finally {
          await subject.dispose()
        }
      })
    },
  }
}

function skips(subject: StoreUnderTest, need: Need | undefined, context: TestContext): boolean {
  const { capabilities } = subject.store
  const reason = need?.({ capabilities, reopens: subject.reopen !== undefined }) ?? null
  if (reason !== null) context.skip(reason)
  return reason !== null
}
