// What the tests of the executor share: an executor over the memory store, and commands to execute.

import type { ExecutableCommand, SettleScope, Store, TelemetryEvent } from '../../src/ports/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { createExecutor } from '../../src/worker/executor.js'
import { Bench, command, range, type TestCommand } from './worker-kit.js'

export const commands = (count: number, over: Partial<ExecutableCommand> = {}): ExecutableCommand[] =>
  range(count).map((at) => ({
    id: `c-${at}`,
    index: at + 10,
    payload: at,
    attempt: 1,
    acceptedAt: 0,
    ...over,
  }))

export interface ExecutorSetup {
  readonly capabilities?: Partial<Store['capabilities']>
  /** In the place of the store's own. */
  readonly settleWithin?: (
    real: Store,
    ...args: Parameters<Store['settleWithin']>
  ) => ReturnType<Store['settleWithin']>
}

export function setUp(
  options: Omit<TestCommand, 'name'>,
  {
    capabilities = {},
    settleWithin = (real, leases, work) => real.settleWithin(leases, work),
  }: ExecutorSetup = {},
) {
  const bench = new Bench([
    command({ name: 'a', retry: { attempts: 3, backoff: { delay: 100, jitter: 'none' } }, ...options }),
  ])
  const events: TelemetryEvent[] = []
  const real = bench.real as Store
  const store: Store = {
    ...real,
    capabilities: { ...real.capabilities, ...capabilities },
    settleWithin: (leases, work) => settleWithin(real, leases, work),
  }
  const telemetry = { record: (event: TelemetryEvent) => void events.push(event) }
  const executor = createExecutor({
    definitions: bench.definitions,
    store,
    clock: bench.clock,
    random: seededRandom(1),
    telemetry,
  })
  const controller = new AbortController()
  const { signal } = controller
  return {
    ...{ bench, events, executor, controller, signal, real: bench.real },
    execute: (list: readonly ExecutableCommand[]) => executor.execute('a', list, { signal }),
    within: async (list: readonly ExecutableCommand[]) => {
      let report: unknown
      await bench.real.settleWithin([], (scope) => {
        report = executor.executeWithin('a', list, { signal, scope: scope as SettleScope<unknown> })
        return []
      })
      return report as Awaited<ReturnType<typeof executor.execute>>
    },
  }
}
