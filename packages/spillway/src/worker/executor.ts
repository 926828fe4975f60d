// Runs commands through their handler for whoever holds them. It chooses how: plainly, in the settlement's transaction, or
// in a transaction of its own; one at a time or in a batch that is bisected. It never decides what follows.

import type { AnyCommand } from '../config/index.js'
import { SpillwayError } from '../errors/index.js'
import type {
  Clock,
  ExecutableCommand,
  ExecuteOptions,
  ExecuteWithinOptions,
  ExecutionReport,
  Executor,
  Random,
  Store,
  Telemetry,
} from '../ports/index.js'
import { bisect, oneByOne } from './bisect.js'
import { exceptionOf } from './classify.js'
import type { Call } from './invoke.js'
import { runInOwnTransaction } from './own-transaction.js'
import { isPromise } from './promise.js'
import { reportOf } from './report.js'
import { type Enclosure, runTrial, runTrialSync, undoably, undoablySync } from './run-trial.js'
import { SchemaFault } from './schema-fault.js'
import { follow, followAsync, type Outcomes, type Plan, type Slice, type Trial } from './trial.js'

export interface ExecutorOptions {
  readonly definitions: ReadonlyMap<string, AnyCommand>
  readonly store: Pick<Store, 'name' | 'capabilities' | 'settleWithin'>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export function createExecutor(options: ExecutorOptions): Executor {
  return new HandlerExecutor(options)
}

class HandlerExecutor implements Executor {
  readonly #options: ExecutorOptions

  constructor(options: ExecutorOptions) {
    this.#options = options
  }

  async execute(
    type: string,
    commands: readonly ExecutableCommand[],
    options: ExecuteOptions,
  ): Promise<ExecutionReport> {
    const definition = this.#definitionOf(type)
    if (commands.length === 0) return []
    const runSlice = needsTransaction(definition)
      ? (call: Call) => this.#inOwnTransaction(call, options)
      : (call: Call) => runTrial(call, null, this.#callOptions(definition, options))
    const outcomes = await followAsync(planFor(definition, commands.length), (slice) =>
      this.#measured(callOf(definition, commands, slice), runSlice).then((trial) => checked(trial, options)),
    )
    return reportOf(this.#options, definition, commands, outcomes)
  }

  executeWithin(
    type: string,
    commands: readonly ExecutableCommand[],
    options: ExecuteWithinOptions,
  ): ExecutionReport | Promise<ExecutionReport> {
    const definition = this.#definitionOf(type)
    if (commands.length === 0) return []
    const outcomes =
      this.#options.store.capabilities.transactionalSettle === 'sync'
        ? this.#withinSync(definition, commands, options)
        : this.#within(definition, commands, options)
    return isPromise(outcomes)
      ? outcomes.then((ended) => reportOf(this.#options, definition, commands, ended))
      : reportOf(this.#options, definition, commands, outcomes)
  }

  #withinSync(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    { scope, ...options }: ExecuteWithinOptions,
  ): Outcomes | null {
    const enclose: Enclosure = (work) => scope.savepoint(() => work(scope))
    return follow(planFor(definition, commands.length), (slice) => {
      const call = callOf(definition, commands, slice)
      const startedAt = this.#options.clock.monotonic()
      const trial = undoablySync(call, enclose, () => runTrialSync(call, scope, options.signal))
      this.#recordExecuted(call, startedAt)
      return checked(trial, options)
    })
  }

  #within(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    { scope, ...options }: ExecuteWithinOptions,
  ): Promise<Outcomes | null> {
    const enclose: Enclosure = (work) => scope.savepoint(() => work(scope))
    const callOptions = this.#callOptions(definition, options)
    return followAsync(planFor(definition, commands.length), (slice) =>
      this.#measured(callOf(definition, commands, slice), (call) =>
        undoably(call, enclose, () => runTrial(call, scope, callOptions)),
      ).then((trial) => checked(trial, options)),
    )
  }

  /** A transaction per try, so that a try which fails only when committing is isolated like any other. */
  #inOwnTransaction(call: Call, options: ExecuteOptions): Promise<Trial> {
    const { store } = this.#options
    if (store.capabilities.transactionalSettle === 'none')
      return Promise.resolve(unsupported(call, store.name))
    return runInOwnTransaction(store, call, this.#callOptions(call.definition, options))
  }

  #definitionOf(type: string): AnyCommand {
    const definition = this.#options.definitions.get(type)
    if (definition === undefined)
      throw new SpillwayError('unknown_command', `no command '${type}' is defined here`)
    return definition
  }

  #callOptions({ timeoutMs }: AnyCommand, { signal, onHung }: ExecuteOptions) {
    const { clock } = this.#options
    return onHung === undefined ? { clock, timeoutMs, signal } : { clock, timeoutMs, signal, onHung }
  }

  async #measured(call: Call, run: (call: Call) => Promise<Trial>): Promise<Trial> {
    const startedAt = this.#options.clock.monotonic()
    const trial = await run(call)
    this.#recordExecuted(call, startedAt)
    return trial
  }

  #recordExecuted({ definition, commands }: Call, startedAt: number): void {
    const { clock, telemetry } = this.#options
    const durationMs = clock.monotonic() - startedAt
    telemetry.record({
      event: 'batch.executed',
      queue: definition.queue,
      type: definition.name,
      commands: commands.length,
      durationMs,
      waitMs: Math.max(0, clock.now() - durationMs - oldestAcceptedAt(commands, clock.now())),
    })
  }
}

function needsTransaction({ handler, settlement }: AnyCommand): boolean {
  return handler.kind === 'sink' || settlement === 'transaction'
}

function unsupported({ definition }: Call, store: string): Trial {
  const wish = definition.handler.kind === 'sink' ? 'into()' : "settlement: 'transaction'"
  const message = `command ${definition.name}: ${wish} needs a store with transactions, ${store} has none`
  return { ok: false, exception: exceptionOf(new SpillwayError('unsupported', message)) }
}

/** Nothing about these commands: none of the others will fare better, and no decision is due about any of them. */
function checked(trial: Trial, { rejectSchemaFaults }: ExecuteOptions): Trial {
  if (rejectSchemaFaults === true && !trial.ok && trial.exception.fault === 'schema')
    throw new SchemaFault(trial.exception.error)
  return trial
}

function planFor({ handler }: AnyCommand, count: number): Plan {
  return handler.kind === 'one' ? oneByOne(count) : bisect(count)
}

function callOf(definition: AnyCommand, commands: readonly ExecutableCommand[], { from, to }: Slice): Call {
  return { definition, commands: from === 0 && to === commands.length ? commands : commands.slice(from, to) }
}

/** A retried command has waited on purpose; only first attempts tell how long commands wait for a worker. */
function oldestAcceptedAt(commands: readonly ExecutableCommand[], now: number): number {
  let oldest = now
  for (const { attempt, acceptedAt } of commands)
    if (attempt === 1 && acceptedAt < oldest) oldest = acceptedAt
  return oldest
}
