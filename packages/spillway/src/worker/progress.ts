// What became of a leased chunk's commands and how much of that the store has already taken. Writes may overlap or have an
// unknown outcome, so nothing is dropped before an answer said it was kept; repeating it is harmless.

import type { CommandUpdate } from '../domain/index.js'
import type { ExecutableCommand, ExecutionReport } from '../ports/index.js'

/** Not yet kept, and how far it reaches. */
export interface Pending {
  readonly updates: readonly CommandUpdate[]
  readonly finished: readonly number[]
  readonly mark: Mark
}

export interface Mark {
  readonly updates: number
  readonly finished: number
}

const NOTHING: Pending = Object.freeze({
  updates: Object.freeze([]),
  finished: Object.freeze([]),
  mark: Object.freeze({ updates: 0, finished: 0 }),
})

export class Progress {
  // Most chunks succeed as a whole in one call and never have any.
  #updates: CommandUpdate[] | null = null
  #finished: number[] | null = null
  #keptUpdates = 0
  #keptFinished = 0

  get isPending(): boolean {
    const { updates, finished } = this.#mark()
    return updates > this.#keptUpdates || finished > this.#keptFinished
  }

  update(update: CommandUpdate): void {
    this.#updates ??= []
    this.#updates.push(update)
  }

  /** `report[from + i]` is about `commands[i]`. */
  note(commands: readonly ExecutableCommand[], report: ExecutionReport, from: number): void {
    for (const [at, { index }] of commands.entries()) {
      const update = report[from + at] ?? null
      if (update === null) this.#finish(index)
      else this.update(update)
    }
  }

  pending(): Pending {
    if (!this.isPending) return NOTHING
    return {
      updates: this.#updates?.slice(this.#keptUpdates) ?? [],
      finished: this.#finished?.slice(this.#keptFinished) ?? [],
      mark: this.#mark(),
    }
  }

  kept(mark: Mark): void {
    this.#keptUpdates = Math.max(this.#keptUpdates, mark.updates)
    this.#keptFinished = Math.max(this.#keptFinished, mark.finished)
  }

  #finish(index: number): void {
    this.#finished ??= []
    this.#finished.push(index)
  }

  #mark(): Mark {
    return { updates: this.#updates?.length ?? 0, finished: this.#finished?.length ?? 0 }
  }
}
