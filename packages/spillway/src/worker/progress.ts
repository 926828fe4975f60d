// What became of a leased chunk's commands and how much of that the store has already taken. Writes may overlap or have an
// unknown outcome, so nothing is dropped before an answer said it was kept; repeating it is harmless.

import { type ChunkDraft, type CommandUpdate, callbackDrafts } from '../domain/index.js'
import type { CallbackRoute, ExecutableCommand, ExecutionReport, ReportedUpdate } from '../ports/index.js'
import type { Aftermath, Told } from './aftermath.js'

/** Not yet kept, and how far it reaches. */
export interface Pending {
  readonly updates: readonly CommandUpdate[]
  readonly finished: readonly number[]
  /** Callbacks about them. Their chunks keep their ids, so that a repeat stores nothing twice. */
  readonly appends: readonly ChunkDraft[]
  readonly mark: Mark
}

export interface Mark {
  readonly updates: number
  readonly finished: number
  readonly appends: number
  readonly told: number
}

const NOTHING: Pending = Object.freeze({
  updates: Object.freeze([]),
  finished: Object.freeze([]),
  appends: Object.freeze([]),
  mark: Object.freeze({ updates: 0, finished: 0, appends: 0, told: 0 }),
})

export interface ProgressOptions {
  readonly queue: string
  readonly type: string
  readonly aftermath: Aftermath
  /** Where callbacks go; null = nobody is called back. */
  readonly callbackRoute: CallbackRoute | null
}

export class Progress {
  readonly #options: ProgressOptions
  // Most chunks succeed as a whole in one call and never have any.
  #updates: CommandUpdate[] | null = null
  #finished: number[] | null = null
  #callbacks: string[] | null = null
  #appends: ChunkDraft[] | null = null
  #keptUpdates = 0
  #keptFinished = 0
  #keptAppends = 0
  /** What is to follow once it is kept, and how much of that has. */
  #told: Told[] | null = null
  #keptTold = 0

  constructor(options: ProgressOptions) {
    this.#options = options
  }

  get isPending(): boolean {
    const { updates, finished } = this.#mark()
    return updates > this.#keptUpdates || finished > this.#keptFinished
  }

  update(update: ReportedUpdate): void {
    const { callback, forget } = update
    if (callback !== undefined && this.#options.callbackRoute !== null) {
      this.#callbacks ??= []
      this.#callbacks.push(callback)
    }
    if (isPlainSuccess(update)) {
      this.#finish(update.index)
      return
    }
    this.#updates ??= []
    this.#updates.push(callback === undefined && forget === undefined ? update : stored(update))
  }

  /** `report[from + i]` is about `commands[i]`. */
  note(commands: readonly ExecutableCommand[], report: ExecutionReport, from: number): void {
    for (const [at, command] of commands.entries()) {
      const update = report[from + at] ?? null
      if (update === null) this.#finish(command.index)
      else this.update(update)
      if (!this.#options.aftermath.concerns(update)) continue
      this.#told ??= []
      this.#told.push({ command, update })
    }
  }

  pending(): Pending {
    if (!this.isPending) return NOTHING
    this.#draftCallbacks()
    return {
      updates: this.#updates?.slice(this.#keptUpdates) ?? [],
      finished: this.#finished?.slice(this.#keptFinished) ?? [],
      appends: this.#appends?.slice(this.#keptAppends) ?? [],
      mark: this.#mark(),
    }
  }

  kept(mark: Mark): void {
    this.#keptUpdates = Math.max(this.#keptUpdates, mark.updates)
    this.#keptFinished = Math.max(this.#keptFinished, mark.finished)
    this.#keptAppends = Math.max(this.#keptAppends, mark.appends)
    this.#tell(mark.told)
  }

  /** Nothing is left to be written. */
  keptAll(): void {
    this.kept(this.#mark())
  }

  #tell(upTo: number): void {
    if (this.#told === null || upTo <= this.#keptTold) return
    const told = this.#told.slice(this.#keptTold, upTo)
    this.#keptTold = upTo
    this.#options.aftermath.settled(this.#options, told)
  }

  #draftCallbacks(): void {
    const { callbackRoute } = this.#options
    if (this.#callbacks === null || callbackRoute === null) return
    this.#appends ??= []
    this.#appends.push(...callbackDrafts(this.#callbacks, callbackRoute))
    this.#callbacks = null
  }

  #finish(index: number): void {
    this.#finished ??= []
    this.#finished.push(index)
  }

  #mark(): Mark {
    return {
      updates: this.#updates?.length ?? 0,
      finished: this.#finished?.length ?? 0,
      appends: this.#appends?.length ?? 0,
      told: this.#told?.length ?? 0,
    }
  }
}

/** It has an update only for what follows from it. */
export function isPlainSuccess({ state, result }: CommandUpdate): boolean {
  return state === 'succeeded' && result === undefined
}

/** Without what is not the store's to know. */
export function stored({ callback: _, forget: __, ...update }: ReportedUpdate): CommandUpdate {
  return update
}
