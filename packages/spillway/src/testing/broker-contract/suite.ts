// One theme of the contract: named tests, each in a fresh namespace, each ended by closing its handles.

import type { TestContext } from '../store-contract/index.js'
import type { BrokerHarness, BrokerTestApi, BrokerTraits, BrokerUnderTest } from './harness.js'
import { Scene } from './scene.js'

export interface Subject {
  readonly harness: BrokerHarness
  readonly traits: BrokerTraits
  readonly subject: BrokerUnderTest
}

/** Why a test does not apply to a broker, or null when it does. */
export type Need = (subject: Subject) => string | null

/** Messages wait one by one: a consumer that is stuck holds up nothing but what it holds. */
export const needsSingles: Need = ({ traits }) =>
  traits.lanes === true ? 'a partition of this broker belongs to one consumer at a time' : null

export const needsSpoiling: Need = ({ subject }) =>
  subject.spoil === undefined ? 'a queue of this broker cannot exist otherwise' : null

export const needsRemoving: Need = ({ subject }) =>
  subject.remove === undefined ? 'queues of this broker cannot be removed here' : null

export const needsServer: Need = ({ harness }) =>
  harness.server === undefined ? 'the server is not for this test alone' : null

export const needsProxy: Need = ({ harness }) =>
  harness.proxy === undefined ? 'nothing can be put in front of this server' : null

export interface Suite {
  readonly harness: BrokerHarness
  test(name: string, body: (scene: Scene) => Promise<void>, need?: Need): void
}

/** The same suite for tests that all have the same need. */
export function needing(suite: Suite, need: Need): Suite {
  return { ...suite, test: (name, body, own = need) => suite.test(name, body, own) }
}

export interface Theme {
  readonly name: string
  /** Connections and servers fail: each test takes its time, and wants back what was lost with them. */
  readonly isFaulty?: boolean
  define(suite: Suite): void
}

/** Many lost connections, and servers that repair their files when they start, on a machine that is busy: only what hangs takes longer. */
const FAULTY_TIMEOUT_MS = 120_000

export function newSuite(harness: BrokerHarness, api: BrokerTestApi, isFaulty: boolean): Suite {
  return {
    harness,
    test(name, body, need) {
      const run = async (context: TestContext): Promise<void> => {
        const subject = await harness.make({ isFaulty })
        const { traits = {} } = harness
        const scene = new Scene(subject, traits, api.expect, context)
        try {
          const reason = need?.({ harness, traits, subject }) ?? null
          if (reason === null) await body(scene)
          else context.skip(reason)
        } finally {
          await scene.end()
          await subject.dispose()
        }
      }
      api.it(name, run, isFaulty ? FAULTY_TIMEOUT_MS : undefined)
    },
  }
}
