// A leased chunk in this worker's hands: which of its commands were handed out, what became of them, and whether the lease
// still is ours as far as this process can know.

import type { AnyCommand } from '../config/index.js'
import type { Lease, LeaseRef, Stage } from '../domain/index.js'
import type { CallbackRoute, ExecutableCommand, ExecutionReport } from '../ports/index.js'
import type { Aftermath } from './aftermath.js'
import { blockedUpdate, type KeyOrder } from './key-order.js'
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
  readonly aftermath: Aftermath
  readonly callbackRoute?: CallbackRoute
  /** Of a chunk whose commands go by their keys. */
  readonly order?: KeyOrder
}

export class HeldChunk {
  readonly lease: Lease
  readonly definition: AnyCommand
  readonly progress: Progress
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
  /** Without those that turned out to be blocked. */
  #commands: readonly ExecutableCommand[]
  readonly #order: KeyOrder | null
  readonly #onEnd: HeldChunkInit['onEnd']
  #taken = 0
  #done = 0
  #end: End | null = null
  #controller: AbortController | null = null

  constructor(init: HeldChunkInit) {
    const { lease, definition, commands, pace, deadline, onEnd, aftermath, callbackRoute = null } = init
    this.lease = lease
    this.definition = definition
    this.pace = pace
    this.deadline = deadline
    this.#order = init.order ?? null
    this.#commands = this.#order?.arrange(commands) ?? commands
    this.#onEnd = onEnd
    this.progress = new Progress({ queue: lease.queue, type: lease.type, aftermath, callbackRoute })
    if (this.#order !== null) this.#block(this.#order)
  }

  get stage(): Stage {
    return this.lease.stage
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
    const room = this.#order === null ? max : Math.min(max, this.#order.inWave(this.#commands, from))
    this.#taken = Math.min(from + room, this.#commands.length)
    return from === 0 && this.waiting === 0 ? this.#commands : this.#commands.slice(from, this.#taken)
  }

  /** Takes back the commands handed out last, to be handed out again. */
  putBack(count: number): void {
    this.#taken -= count
  }

  note(commands: readonly ExecutableCommand[], report: ExecutionReport, from: number): void {
    this.#done += commands.length
    this.progress.note(commands, report, from)
    this.#holdUp(commands, report, from)
  }

  /** The same for commands whose outcome is in the store already. */
  noteKept(commands: readonly ExecutableCommand[], report: ExecutionReport): void {
    this.#done += commands.length
    this.#holdUp(commands, report, 0)
  }

  /** The same for what is settled before anything was handed out. */
  noteUntried(commands: readonly ExecutableCommand[], report: ExecutionReport): void {
    this.progress.note(commands, report, 0)
    this.#holdUp(commands, report, 0)
  }

  /** Whether the lease is ours at this time of the monotonic clock; ends it when it is not. */
  stillHeld(now: number): boolean {
    if (!this.enclosed && now >= this.deadline) this.end(this.leaving === 'hung' ? 'hung' : 'expired')
    return !this.ended
  }

  end(end: End): void {
    if (this.#end !== null) return
    this.#end = end
    if (end === 'settled') this.progress.keptAll()
    this.#onEnd(this, end)
    if (end === 'settled' || end === 'released') return
    for (const call of [...this.calls]) call.chunkLost()
  }

  #holdUp(commands: readonly ExecutableCommand[], report: ExecutionReport, from: number): void {
    if (this.#order?.note(commands, report, from) === true) this.#block(this.#order)
  }

  /** Commands that were not handed out and have to wait for others are done with as far as this chunk goes. */
  #block(order: KeyOrder): void {
    const taken = this.#commands.slice(0, this.#taken)
    const waiting = this.#commands.slice(this.#taken)
    const blocked = waiting.filter((command) => order.isBlocked(command))
    if (blocked.length === 0) return
    this.#commands = [...taken, ...waiting.filter((command) => !order.isBlocked(command))]
    this.progress.note(blocked, blocked.map(blockedUpdate), 0)
  }
}
