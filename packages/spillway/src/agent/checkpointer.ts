// Moves a writer's checkpoint behind what has ended, many frames at a time: a checkpoint costs an fsync, and one that comes late only means
// that some frames are shipped twice after a crash, which their ids make harmless.

import type { Clock } from '../ports/index.js'
import type { Passed } from './frame-window.js'
import { CHECKPOINT_FRAMES, CHECKPOINT_MS } from './limits.js'

export interface CheckpointerOptions<Place> {
  /** Durable once it resolves. */
  readonly advance: (to: Place) => Promise<void>
  readonly onFault: (error: unknown) => void
  readonly clock: Clock
}

export class Checkpointer<Place> {
  readonly #options: CheckpointerOptions<Place>
  #due: Passed<Place> | null = null
  #cancel: (() => void) | null = null
  #writing: Promise<void> | null = null

  constructor(options: CheckpointerOptions<Place>) {
    this.#options = options
  }

  /** To be called in the order of the file. */
  note({ to, frames }: Passed<Place>): void {
    this.#due = { to, frames: frames + (this.#due?.frames ?? 0) }
    if (this.#due.frames >= CHECKPOINT_FRAMES) void this.#write()
    else this.#writeSoon()
  }

  /** Resolves once everything noted is durable, or could not be made so; whether it is. */
  async flush(): Promise<boolean> {
    await this.#writing
    await this.#write()
    return this.#due === null
  }

  /** What was noted and is not written yet never will be. */
  drop(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#due = null
  }

  #writeSoon(): void {
    this.#cancel ??= this.#options.clock.schedule(CHECKPOINT_MS, () => {
      this.#cancel = null
      void this.#write()
    })
  }

  #write(): Promise<void> {
    this.#writing ??= this.#writeDue().finally(() => {
      this.#writing = null
    })
    return this.#writing
  }

  async #writeDue(): Promise<void> {
    this.#cancel?.()
    this.#cancel = null
    const due = this.#due
    if (due === null) return
    this.#due = null
    try {
      await this.#options.advance(due.to)
      if (this.#due !== null) this.#writeSoon()
    } catch (error) {
      this.#options.onFault(error)
      this.#due = { to: (this.#due as Passed<Place> | null)?.to ?? due.to, frames: due.frames }
      this.#writeSoon()
    }
  }
}
