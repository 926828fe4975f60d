// What one execution means for the counters: a few events per execution, however many commands it had, and one event per
// command that did not simply succeed.

import type { AnyCommand } from '../config/index.js'
import { type CommandUpdate, isTerminal, type TerminalState } from '../domain/index.js'
import type { ExecutableCommand, Telemetry, TelemetryEvent } from '../ports/index.js'

type AttemptOutcome = Extract<TelemetryEvent, { event: 'attempt.finished' }>['outcome']

export class Tally {
  readonly #definition: AnyCommand
  readonly #now: number
  readonly #attempts = new Map<AttemptOutcome, number>()
  /** Per final state, how many and when the oldest of them was accepted. */
  readonly #finished = new Map<TerminalState, { count: number; oldestAt: number }>()
  readonly #exceptions: TelemetryEvent[] = []

  constructor(definition: AnyCommand, now: number) {
    this.#definition = definition
    this.#now = now
  }

  allSucceeded(commands: number, oldestAt: number): void {
    this.#countAttempts('ok', commands)
    this.#countFinished('succeeded', commands, Math.min(oldestAt, this.#now))
  }

  /** `update` null = it succeeded without a value. */
  executed(command: ExecutableCommand, update: CommandUpdate | null): void {
    this.#countAttempts(update === null ? 'ok' : attemptOutcome(update), 1)
    this.settled(command, update)
  }

  /** A command that ends or waits without having been executed for it. */
  settled(command: ExecutableCommand, update: CommandUpdate | null): void {
    const { state, error } = update ?? SUCCEEDED
    if (isTerminal(state)) this.#countFinished(state, 1, command.acceptedAt)
    if (error === null || update === null) return
    this.#exceptions.push({
      event: 'command.exception',
      queue: this.#definition.queue,
      type: this.#definition.name,
      commandId: command.id,
      attempt: update.attempts,
      state,
      errorCode: error.code,
      message: error.message,
    })
  }

  record(telemetry: Telemetry): void {
    const { queue, name: type } = this.#definition
    for (const [outcome, count] of this.#attempts) {
      telemetry.record({ event: 'attempt.finished', queue, type, outcome, count })
    }
    for (const [outcome, { count, oldestAt }] of this.#finished) {
      const completionMs = Math.max(0, this.#now - oldestAt)
      telemetry.record({ event: 'command.finished', queue, type, outcome, count, completionMs })
    }
    for (const event of this.#exceptions) telemetry.record(event)
  }

  #countAttempts(outcome: AttemptOutcome, count: number): void {
    if (count > 0) this.#attempts.set(outcome, (this.#attempts.get(outcome) ?? 0) + count)
  }

  #countFinished(state: TerminalState, count: number, acceptedAt: number): void {
    if (count === 0) return
    const group = this.#finished.get(state)
    if (group === undefined) this.#finished.set(state, { count, oldestAt: acceptedAt })
    else {
      group.count += count
      group.oldestAt = Math.min(group.oldestAt, acceptedAt)
    }
  }
}

const SUCCEEDED = { state: 'succeeded', error: null } as const

function attemptOutcome({ state, error }: CommandUpdate): AttemptOutcome {
  if (state === 'succeeded' || state === 'pending') return 'ok'
  if (error?.code === 'handler_timeout') return 'timeout'
  return isTerminal(state) || state === 'compensating' ? 'fatal' : 'retry'
}
