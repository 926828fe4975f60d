// What the contexts of one execution can do for their handlers besides telling them about the command: recording steps, and
// making completion tokens. Made when a handler first asks for it, because most never do.

import { SpillwayError } from '../errors/index.js'
import type { ExecutableCommand, NewSecret } from '../ports/index.js'
import { StepRecord, type StepStore } from './step-record.js'
import { StepSession, type Steps } from './step-session.js'

export interface AidsOptions extends StepStore {
  readonly newSecret: NewSecret
}

export class CommandAids {
  readonly #options: AidsOptions
  #sessions: Map<string, StepSession> | null = null

  constructor(options: AidsOptions) {
    this.#options = options
  }

  stepsOf({ id, resumed = false }: ExecutableCommand, signal: AbortSignal): Steps {
    this.#sessions ??= new Map()
    let session = this.#sessions.get(id)
    if (session === undefined) {
      session = new StepSession(new StepRecord(this.#options, id), resumed, signal)
      this.#sessions.set(id, session)
    }
    return session
  }

  /** Undefined when its handler took no step. */
  session(id: string): StepSession | undefined {
    return this.#sessions?.get(id)
  }

  /** Whether any command has steps recorded now. */
  get recorded(): boolean {
    for (const session of this.#sessions?.values() ?? []) if (session.recorded) return true
    return false
  }

  completionToken({ id }: ExecutableCommand): string {
    return `${id}.${this.#options.newSecret()}`
  }
}

/** In a transaction everything is done or undone together: there is nothing to record. */
export const NO_STEPS: Steps = {
  step() {
    throw new SpillwayError(
      'unsupported',
      "steps are for settlement: 'batched'; with 'transaction' the handler's writes are undone together when it fails",
    )
  },
}
