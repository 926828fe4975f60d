// Who checks the checker: the contract run by a runner of its own, on brokers broken on purpose. On good ones it runs beside each of them.

import { describe, expect, it } from 'vitest'
import { memoryBrokerHarness } from '../../../test/support/memory-broker-harness.js'
import type { Broker } from '../../ports/index.js'
import { systemClock } from '../../runtime/index.js'
import { MemoryBrokerServer } from '../memory-broker/index.js'
import { seededRandom } from '../seeded-random.js'
import type { TestContext } from '../store-contract/index.js'
import { BROKEN_BROKERS, type Break } from './broken-brokers.js'
import { type BrokerHarness, brokerContract } from './index.js'

/** A broken broker in this process answers at once or never. A good one is given all the time it needs. */
const HANG_MS = 250
const GOOD_MS = 20_000
const CONFIRM_TIMEOUT_MS = 20_000
const HASTY_MS = 50

interface Report {
  readonly passed: string[]
  readonly failed: string[]
}

function newServer(): MemoryBrokerServer {
  return new MemoryBrokerServer({
    ...{ clock: systemClock, random: seededRandom(1), confirmTimeoutMs: CONFIRM_TIMEOUT_MS },
    messageBytesMax: 1024 * 1024,
  })
}

function harnessOf(breakIt: Break = () => ({})): BrokerHarness {
  return memoryBrokerHarness(newServer, { hastyMs: HASTY_MS, handle: (broker) => broken(broker, breakIt) })
}

function broken(broker: Broker, breakIt: Break): Broker {
  const changed = breakIt(broker)
  return new Proxy(broker, {
    get(target, name) {
      const value: unknown = Reflect.get(name in changed ? changed : target, name)
      return typeof value === 'function' ? value.bind(name in changed ? changed : target) : value
    },
  })
}

/** Runs one theme of the contract, as any test runner would, until one test fails. */
async function run(harness: BrokerHarness, theme: string, patienceMs: number): Promise<Report> {
  const tests: { name: string; body: (context: TestContext) => Promise<void> }[] = []
  let path: string[] = []
  brokerContract(harness, {
    describe(name, body) {
      path.push(name)
      body()
      path = path.slice(0, -1)
    },
    it(name, body) {
      if (path.includes(theme)) tests.push({ name, body })
    },
    expect,
  })
  const report: Report = { passed: [], failed: [] }
  for (const { name, body } of tests) {
    if (report.failed.length > 0) break
    report[(await passes(body, patienceMs)) ? 'passed' : 'failed'].push(name)
  }
  return report
}

async function passes(body: (context: TestContext) => Promise<void>, patienceMs: number): Promise<boolean> {
  const ending = new AbortController()
  const running = body({ skip: () => {} }).then(
    () => true,
    () => false,
  )
  const hanging = systemClock.sleep(patienceMs, ending.signal).then(() => false)
  const passed = await Promise.race([running, hanging])
  ending.abort()
  return passed
}

describe('the broker contract', () => {
  it('passes a good broker in a runner that knows nothing but describe, it and expect', async () => {
    const { passed, failed } = await run(harnessOf(), 'deliver', GOOD_MS)
    expect(failed).toEqual([])
    expect(passed.length).toBeGreaterThan(5)
  })

  for (const [bug, theme, breakIt] of BROKEN_BROKERS) {
    it(`finds a broker that ${bug}`, async () => {
      expect((await run(harnessOf(breakIt), theme, HANG_MS)).failed).toHaveLength(1)
    })
  }
})
