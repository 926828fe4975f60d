// The context of a handler for one command. A class whose functions are bound when they are asked for: thousands of these are made
// per second, and hardly any handler asks.

import type { HandlerContext } from '../config/index.js'
import type { ExecutableCommand } from '../ports/index.js'
import type { CommandAids } from './command-aids.js'
import type { Steps } from './step-session.js'
import type { Call } from './trial.js'

export class CommandCall implements HandlerContext {
  readonly id: string
  readonly type: string
  readonly queue: string
  readonly attempt: number
  readonly signal: AbortSignal
  readonly tx: unknown
  readonly #command: ExecutableCommand
  readonly #aids: CommandAids
  readonly #steps: Steps | null
  #token: string | null = null

  /** `steps` in place of those that are recorded; null = these. */
  constructor({ definition, commands, aids }: Call, signal: AbortSignal, tx: unknown, steps: Steps | null) {
    const command = commands[0] as ExecutableCommand
    this.id = command.id
    this.type = definition.name
    this.queue = definition.queue
    this.attempt = command.attempt
    this.signal = signal
    this.tx = tx
    this.#command = command
    this.#aids = aids
    this.#steps = steps
  }

  get step(): HandlerContext['step'] {
    const steps = this.#steps ?? this.#aids.stepsOf(this.#command, this.signal)
    return (name, run, undo) => steps.step(name, run, undo)
  }

  get completionToken(): HandlerContext['completionToken'] {
    return () => {
      this.#token ??= this.#aids.completionToken(this.#command)
      return this.#token
    }
  }
}
