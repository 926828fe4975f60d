// Running commands through their handler. It chooses how: plainly, in the settlement's transaction, or in a transaction of its
// own; one at a time or in a batch that is bisected.

import type { AnyCommand } from '../config/index.js'
import { isBreakerFailure, type Outcome } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type {
  EndedCall,
  ExecutableCommand,
  ExecuteOptions,
  ExecuteWithinOptions,
  ExecutionReport,
  LandedCommands,
} from '../ports/index.js'
import { bisect, oneByOne } from './bisect.js'
import { exceptionOf } from './classify.js'
import { Durations } from './durations.js'
import {
  aidsOf,
  callOf,
  callOptions,
  checkedForSchema,
  type ExecutionContext,
  type Turn,
} from './execution-context.js'
import { runInOwnTransaction } from './own-transaction.js'
import { isSuspect } from './payload-checks.js'
import { isPromise } from './promise.js'
import { NO_FACTS, type TurnFacts } from './reporter.js'
import { type Enclosure, interrupted, runTrial, runTrialSync, undoably, undoablySync } from './run-trial.js'
import { type Call, follow, followAsync, type Outcomes, type Plan, type Slice, type Trial } from './trial.js'
import { undoablesAmong, withFault } from './undoable.js'

export class HandlerExecution {
  readonly #context: ExecutionContext

  constructor(context: ExecutionContext) {
    this.#context = context
  }

  /** Outside of any settlement's transaction. */
  async run(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    options: ExecuteOptions,
  ): Promise<ExecutionReport> {
    const turn = this.#turn(definition, commands)
    const runSlice = needsTransaction(definition)
      ? (call: Call) => this.#inOwnTransaction(call, options)
      : (call: Call) => runTrial(call, null, callOptions(this.#context, definition, options))
    const outcomes = await this.#follow(turn, runSlice, options)
    if (outcomes === null) return this.#succeeded(turn)
    const explained = outcomes.some(isSuspect)
      ? await this.#context.payloads.after(definition, commands, outcomes)
      : outcomes
    const { records } = this.#context
    const found = undoablesAmong(definition, commands, explained, { records, aids: turn.aids })
    const undoables = isPromise(found) ? await found : found
    const facts: TurnFacts = {
      durations: turn.durations,
      isUndoable: ({ id }) => undoables.ids.has(id),
      hasRecord: ({ id }) => turn.aids.session(id)?.recorded ?? false,
    }
    return this.#report(turn, withFault(commands, explained, undoables), facts)
  }

  /** Inside a settlement's transaction: no steps are recorded there, and nothing is looked up beside it. */
  runWithin(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    options: ExecuteWithinOptions,
  ): ExecutionReport | Promise<ExecutionReport> {
    const turn = this.#turn(definition, commands)
    const { payloads, store } = this.#context
    const end = (outcomes: Outcomes | null): ExecutionReport =>
      outcomes === null
        ? this.#succeeded(turn)
        : this.#report(turn, outcomes, { ...NO_FACTS, durations: turn.durations })
    if (store.capabilities.transactionalSettle === 'sync') {
      const outcomes = this.#withinSync(turn, options)
      const isDoubted = outcomes?.some(isSuspect) === true
      return end(isDoubted ? payloads.afterSync(definition, commands, outcomes) : outcomes)
    }
    return this.#within(turn, options).then((outcomes) =>
      outcomes?.some(isSuspect) === true
        ? payloads.after(definition, commands, outcomes).then(end)
        : end(outcomes),
    )
  }

  landed(definition: AnyCommand, { commands, acceptedAt, durationMs, sample }: LandedCommands): void {
    const { clock, telemetry, payloads, reporter } = this.#context
    const { queue, name: type } = definition
    payloads.succeeded(type, sample)
    const waitMs = Math.max(0, clock.now() - durationMs - acceptedAt)
    telemetry.record({ event: 'batch.executed', queue, type, commands, durationMs, waitMs })
    reporter.landed(definition, commands, acceptedAt)
  }

  #within(turn: Turn, { scope, ...options }: ExecuteWithinOptions): Promise<Outcomes | null> {
    const enclose: Enclosure = (work) => scope.savepoint(() => work(scope))
    const forCalls = callOptions(this.#context, turn.definition, options)
    const runSlice = (call: Call) => undoably(call, enclose, () => runTrial(call, scope, forCalls))
    return this.#follow(turn, runSlice, options)
  }

  #withinSync(turn: Turn, { scope, ...options }: ExecuteWithinOptions): Outcomes | null {
    const enclose: Enclosure = (work) => scope.savepoint(() => work(scope))
    return follow(planFor(turn), (slice) => {
      const call = callOf(turn, slice)
      const startedAt = this.#context.clock.monotonic()
      const trial = undoablySync(call, enclose, () => runTrialSync(call, scope, options.signal))
      return this.#measured(turn, slice, startedAt, trial, options)
    })
  }

  /** A transaction per try, so that a try which fails only when committing is isolated like any other. */
  #inOwnTransaction(call: Call, options: ExecuteOptions): Promise<Trial> {
    const { store } = this.#context
    if (store.capabilities.transactionalSettle === 'none')
      return Promise.resolve(unsupported(call, store.name))
    return runInOwnTransaction(store, call, callOptions(this.#context, call.definition, options))
  }

  #follow(
    turn: Turn,
    run: (call: Call) => Promise<Trial>,
    options: ExecuteOptions,
  ): Promise<Outcomes | null> {
    let hasBegun = false
    return followAsync(planFor(turn), async (slice) => {
      const call = callOf(turn, slice)
      // By now somebody else may have the commands: what is searched for goes on only as long as nobody asked to stop.
      if (hasBegun && options.signal.aborted) return interrupted(call, options.signal.reason)
      hasBegun = true
      const startedAt = this.#context.clock.monotonic()
      return this.#measured(turn, slice, startedAt, await run(call), options)
    })
  }

  #measured(turn: Turn, slice: Slice, startedAt: number, trial: Trial, options: ExecuteOptions): Trial {
    const { clock, telemetry } = this.#context
    const { definition, commands, durations } = turn
    const durationMs = clock.monotonic() - startedAt
    const now = clock.now()
    durations.add(slice.from, slice.to, durationMs)
    if (!options.signal.aborted)
      options.onCall?.({ commands: slice.to - slice.from, durationMs, outcome: outcomeOfCall(trial) })
    telemetry.record({
      event: 'batch.executed',
      queue: definition.queue,
      type: definition.name,
      commands: slice.to - slice.from,
      durationMs,
      waitMs: Math.max(0, now - durationMs - oldestAcceptedAt(commands, slice, now)),
    })
    return checkedForSchema(trial, turn, options)
  }

  #succeeded(turn: Turn): ExecutionReport {
    const { definition, commands, aids, durations } = turn
    this.#context.payloads.succeeded(definition.name, commands[0]?.payload)
    if (definition.callback === null && !aids.recorded)
      return this.#context.reporter.succeeded(definition, commands)
    const hasRecord = ({ id }: ExecutableCommand): boolean => aids.session(id)?.recorded ?? false
    return this.#report(turn, null, { ...NO_FACTS, durations, hasRecord })
  }

  #report({ definition, commands }: Turn, outcomes: readonly (Outcome | null)[] | null, facts: TurnFacts) {
    return this.#context.reporter.report(definition, commands, { stage: 'execute', outcomes }, facts)
  }

  #turn(definition: AnyCommand, commands: readonly ExecutableCommand[]): Turn {
    return { definition, commands, aids: aidsOf(this.#context), durations: new Durations() }
  }
}

function outcomeOfCall(trial: Trial): EndedCall['outcome'] {
  if (trial.ok)
    return trial.outcomes?.some((one) => one !== null && isBreakerFailure(one)) === true ? 'error' : 'ok'
  if (!isBreakerFailure(trial.exception)) return 'ok'
  return trial.exception.error.code === 'handler_timeout' ? 'timeout' : 'error'
}

function needsTransaction({ handler, settlement }: AnyCommand): boolean {
  return handler.kind === 'sink' || settlement === 'transaction'
}

function unsupported({ definition }: Call, store: string): Trial {
  const wish = definition.handler.kind === 'sink' ? 'into()' : "settlement: 'transaction'"
  const message = `command ${definition.name}: ${wish} needs a store with transactions, ${store} has none`
  return { ok: false, exception: exceptionOf(new SpillwayError('unsupported', message)) }
}

function planFor({ definition, commands }: Turn): Plan {
  return definition.handler.kind === 'one' ? oneByOne(commands.length) : bisect(commands.length)
}

/** A retried command has waited on purpose; only first attempts tell how long commands wait for a worker. */
function oldestAcceptedAt(commands: readonly ExecutableCommand[], { from, to }: Slice, now: number): number {
  let oldest = now
  for (let at = from; at < to; at += 1) {
    const { attempt, acceptedAt } = commands[at] as ExecutableCommand
    if (attempt === 1 && acceptedAt < oldest) oldest = acceptedAt
  }
  return oldest
}
