// What the tests of the executor share: an executor over the memory store, and commands to execute.

import type { Stage } from '../../src/domain/index.js'
import type { ExecutableCommand, SettleScope, Store, TelemetryEvent } from '../../src/ports/index.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { createExecutor, type ExecutorOptions } from '../../src/worker/executor.js'
import { Bench, command, newSecret, range, type TestCommand } from './worker-kit.js'

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
  /** In the place of the store's own. */
  readonly shared?: (real: Store['shared']) => Store['shared']
  readonly executor?: Partial<Pick<ExecutorOptions, 'callbackOf' | 'queues'>>
}

export function setUp(
  options: Omit<TestCommand, 'name'>,
  {
    capabilities = {},
    settleWithin = (real, leases, work) => real.settleWithin(leases, work),
    shared = (own) => own,
    executor: more = {},
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
    shared: shared(real.shared),
    settleWithin: (leases, work) => settleWithin(real, leases, work),
  }
  const telemetry = { record: (event: TelemetryEvent) => void events.push(event) }
  const executor = createExecutor({
    definitions: bench.definitions,
    store,
    clock: bench.clock,
    random: seededRandom(1),
    telemetry,
    workerId: 'w1',
    newSecret,
    ...more,
  })
  const controller = new AbortController()
  const { signal } = controller
  return {
    ...{ bench, events, executor, controller, signal, real: bench.real },
    execute: (list: readonly ExecutableCommand[], stage: Stage = 'execute') =>
      executor.execute('a', list, { signal, stage }),
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
