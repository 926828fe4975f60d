// A leased chunk in this worker's hands: which of its commands were handed out, what became of them, and whether the lease
// still is ours as far as this process can know.

import type { AnyCommand } from '../config/index.js'
import type { Lease, LeaseRef } from '../domain/index.js'
import type { ExecutableCommand, ExecutionReport } from '../ports/index.js'
import { Progress } from './progress.js'

/** `stale`: the store says somebody else has it; `expired`: not extended in time; `hung`: no longer extended on purpose. */
export type Loss = 'stale' | 'expired' | 'hung'
export type End = 'settled' | 'released' | Loss

/**
 * How the commands may be executed: in batches; or one at a time; or `guarded`, one at a time with a cursor written before
 * each, because the chunk may kill its worker.
 */
export type Pace = 'together' | 'alone' | 'guarded'

/** A handler call, as its chunks see it. */
export interface ChunkUser {
  chunkLost(): void
}

export interface HeldChunkInit {
  readonly lease: Lease
  readonly definition: AnyCommand
  /** The commands to execute, in the order of the chunk. */
  readonly commands: readonly ExecutableCommand[]
  readonly pace: Pace
  /** When the lease ends unless extended, by the monotonic clock. */
  readonly deadline: number
  readonly onEnd: (chunk: HeldChunk, end: End) => void
}

export class HeldChunk {
  readonly lease: Lease
  readonly definition: AnyCommand
  readonly progress = new Progress()
  pace: Pace
  deadline: number
  /**
   * When set, nothing more of it is handed out and the lease is no longer extended: it is being given back, or left to
   * expire because a handler hangs or because nobody knows what was committed.
   */
  leaving: 'released' | 'hung' | 'expired' | null = null
  /** To be given back as soon as no handler call has commands of it; until then nothing more of it is handed out. */
  returning = false
  /**
   * A transaction is about to settle it. The store checks the lease itself and holds it until the commit, however long that
   * takes; any other write about it would have to wait for that.
   */
  enclosed = false
  /** Its last settlement is on the way, whose verdict alone counts from here on. */
  settling = false
  /** Handler calls that have commands of it. */
  readonly calls: ChunkUser[] = []
  readonly #commands: readonly ExecutableCommand[]
  readonly #onEnd: HeldChunkInit['onEnd']
  #taken = 0
  #done = 0
  #end: End | null = null
  #controller: AbortController | null = null

  constructor({ lease, definition, commands, pace, deadline, onEnd }: HeldChunkInit) {
    this.lease = lease
    this.definition = definition
    this.pace = pace
    this.deadline = deadline
    this.#commands = commands
    this.#onEnd = onEnd
  }

  get ref(): LeaseRef {
    return { chunkId: this.lease.chunkId, token: this.lease.token }
  }

  /** Aborts handler calls that have commands of this chunk only. */
  get controller(): AbortController {
    this.#controller ??= new AbortController()
    return this.#controller
  }

  get ended(): boolean {
    return this.#end !== null
  }

  /** Commands not handed out yet. */
  get waiting(): number {
    return this.#commands.length - this.#taken
  }

  /** Commands of which nothing is known yet, handed out or not. */
  get open(): number {
    return this.#commands.length - this.#done
  }

  take(max: number): readonly ExecutableCommand[] {
    const from = this.#taken
    this.#taken = Math.min(from + max, this.#commands.length)
    return from === 0 && this.waiting === 0 ? this.#commands : this.#commands.slice(from, this.#taken)
  }

  /** Takes back the commands handed out last, to be handed out again. */
  putBack(count: number): void {
    this.#taken -= count
  }

  note(commands: readonly ExecutableCommand[], report: ExecutionReport, from: number): void {
    this.#done += commands.length
    this.progress.note(commands, report, from)
  }

  /** The same for commands whose outcome is in the store already. */
  noteKept(count: number): void {
    this.#done += count
  }

  /** Whether the lease is ours at this time of the monotonic clock; ends it when it is not. */
  stillHeld(now: number): boolean {
    if (!this.enclosed && now >= this.deadline) this.end(this.leaving === 'hung' ? 'hung' : 'expired')
    return !this.ended
  }

  end(end: End): void {
    if (this.#end !== null) return
    this.#end = end
    this.#onEnd(this, end)
    if (end === 'settled' || end === 'released') return
    for (const call of [...this.calls]) call.chunkLost()
  }
}
