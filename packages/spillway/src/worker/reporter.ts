// From answers to what is written about the commands. Decisions get their clock, their chance and their words for telemetry here.

import type { AnyCommand, ResolvedQueue } from '../config/index.js'
import { type DecideBasis, type Decision, type ErrorRecord, isTerminal, parseMemo } from '../domain/index.js'
import type {
  Clock,
  ExecutableCommand,
  ExecutionReport,
  Random,
  ReportedUpdate,
  Telemetry,
} from '../ports/index.js'
import { type Answers, decisionOf, isPlainSuccess, pendingToken, pollFault } from './answers.js'
import { type DraftUpdate, updateOf } from './command-update.js'
import type { Durations } from './durations.js'
import { RetryBudgets } from './retry-budgets.js'
import { Tally } from './tally.js'

/** Payload of the command that tells upstream about this end; null = nobody is told. */
export type CallbackOfUpdate = (
  definition: AnyCommand,
  command: ExecutableCommand,
  update: ReportedUpdate,
) => string | null

export interface ReporterOptions {
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
  readonly telemetry: Telemetry
  /** Who executes, for the history of commands. */
  readonly workerId: string
  /** What happens to the successors of a dead command; default 'skip'. */
  readonly queues?: ReadonlyMap<string, Pick<ResolvedQueue, 'onDead'>>
  readonly callbackOf?: CallbackOfUpdate
}

/** What is known about the turn besides its answers. */
export interface TurnFacts {
  /** Null = no call was made for it. */
  readonly durations: Durations | null
  readonly isUndoable: (command: ExecutableCommand) => boolean
  /** Whether something is recorded that its success makes useless. */
  readonly hasRecord: (command: ExecutableCommand) => boolean
}

export const NO_FACTS: TurnFacts = {
  durations: null,
  isUndoable: () => false,
  hasRecord: () => false,
}

const SUCCEEDED: Decision = Object.freeze({ state: 'succeeded' })

export class Reporter {
  readonly #options: ReporterOptions
  readonly #budgets: RetryBudgets

  constructor(options: ReporterOptions) {
    this.#options = options
    this.#budgets = new RetryBudgets(options.telemetry)
  }

  /** All executed, all succeeded without a value: nothing is decided about any of them. */
  succeeded(definition: AnyCommand, commands: readonly ExecutableCommand[]): ExecutionReport {
    let oldestAt = Number.POSITIVE_INFINITY
    for (const { acceptedAt } of commands) if (acceptedAt < oldestAt) oldestAt = acceptedAt
    this.landed(definition, commands.length, oldestAt)
    return new Array<null>(commands.length).fill(null)
  }

  /** The same where only their number is known, and when the oldest was accepted. */
  landed(definition: AnyCommand, commands: number, oldestAt: number): void {
    const now = this.#options.clock.now()
    const tally = new Tally(definition, now)
    tally.allSucceeded(commands, oldestAt)
    tally.record(this.#options.telemetry)
    this.#budgets.executed(definition, commands, now)
  }

  /** One entry per command. */
  report(
    definition: AnyCommand,
    commands: readonly ExecutableCommand[],
    answers: Answers,
    facts: TurnFacts,
  ): ExecutionReport {
    const now = this.#options.clock.now()
    const tally = new Tally(definition, now)
    const executed = answers.stage === 'execute' && !('crashed' in answers)
    if (executed) this.#budgets.executed(definition, commands.length, now)
    const report = commands.map((command, at) => this.#update(definition, command, at, answers, facts, now))
    this.#budgets.postpone(definition, commands, report, now)
    for (const [at, command] of commands.entries()) {
      const update = report[at] ?? null
      if (executed) tally.executed(command, update)
      else tally.settled(command, update)
      if (update !== null) report[at] = this.#afterwards(definition, command, update, facts)
    }
    tally.record(this.#options.telemetry)
    return report
  }

  /** Null when there is nothing to say but that it succeeded. */
  #update(
    definition: AnyCommand,
    command: ExecutableCommand,
    at: number,
    answers: Answers,
    facts: TurnFacts,
    now: number,
  ): DraftUpdate | null {
    const plain = isPlainSuccess(answers, at)
    if (plain && definition.callback === null && !facts.hasRecord(command)) return null
    const decision = plain ? SUCCEEDED : decisionOf(answers, at, this.#basis(definition, command, facts, now))
    return updateOf(command, decision, {
      ...{ stage: answers.stage, blocksWhenDead: this.#blocksWhenDead(definition) },
      ran: this.#ran(facts.durations?.of(at) ?? null),
      token: pendingToken(answers, at),
      pollError: errorOf(pollFault(answers, at)),
    })
  }

  #basis(definition: AnyCommand, command: ExecutableCommand, facts: TurnFacts, now: number): DecideBasis {
    const { attempt, acceptedAt, memo = null } = command
    return {
      ...{ attempt, acceptedAt, now, policy: definition.policy, memo: parseMemo(memo) },
      ...{ random: this.#options.random(), undoable: facts.isUndoable(command) },
    }
  }

  #ran(durationMs: number | null): { readonly workerId: string; readonly durationMs: number } | null {
    return durationMs === null
      ? null
      : { workerId: this.#options.workerId, durationMs: Math.round(durationMs) }
  }

  #blocksWhenDead({ queue }: AnyCommand): boolean {
    return this.#options.queues?.get(queue)?.onDead === 'block'
  }

  /** What follows from an end besides the state itself; null when that was all there is to say after all. */
  #afterwards(
    definition: AnyCommand,
    command: ExecutableCommand,
    update: DraftUpdate,
    facts: TurnFacts,
  ): DraftUpdate | null {
    if (!isTerminal(update.state)) return update
    if (update.state === 'succeeded' && facts.hasRecord(command)) update.forget = true
    const callback = this.#callback(definition, command, update)
    if (callback !== null) update.callback = callback
    return saysNothing(update) ? null : update
  }

  #callback(definition: AnyCommand, command: ExecutableCommand, update: ReportedUpdate): string | null {
    const { callbackOf, telemetry } = this.#options
    if (definition.callback === null || callbackOf === undefined) return null
    try {
      return callbackOf(definition, command, update)
    } catch (error) {
      telemetry.record({ event: 'fault', where: `callback of ${definition.name}`, error })
      return null
    }
  }
}

function saysNothing({ state, result, callback, forget }: ReportedUpdate): boolean {
  return state === 'succeeded' && result === undefined && callback === undefined && forget !== true
}

function errorOf(outcome: ReturnType<typeof pollFault>): ErrorRecord | null {
  return outcome?.outcome === 'exception' ? outcome.error : null
}
