// A buffer gathers commands and executes them in bulk: once enough of them or of their bytes gathered, or when the oldest has
// waited long enough. What is gathered when the process dies is lost; what is full is flushed, not left to its time.

import type { BufferSpec } from '../config/index.js'
import type { Cancel } from '../ports/index.js'
import { Bounds } from './bounds.js'
import type { ChannelContext, OpenChannel } from './channel-context.js'
import { Fifo } from './fifo.js'
import type { HeldCommand } from './held-command.js'
import { takeNextBatch } from './next-batch.js'
import { type Lineup, type LineupContext, VolatileChannel } from './volatile-channel.js'

export function bufferChannel(spec: BufferSpec, context: ChannelContext): OpenChannel {
  const { kind, whenFull, blockTimeoutMs, maxBytes } = spec
  const lineup = (lineupContext: LineupContext): Lineup => new BufferLineup(spec, lineupContext)
  return new VolatileChannel(
    { kind, durability: 'memory', whenFull, blockTimeoutMs, maxBytes, lineup },
    context,
  )
}

class BufferLineup implements Lineup {
  readonly #spec: BufferSpec
  readonly #context: LineupContext
  readonly #line = new Fifo<HeldCommand>()
  /** Over everything held, waiting and running. */
  readonly #bounds: Bounds
  /** Commands at the front of the line that a flush released; the others still gather. */
  #released = 0
  #gatheredBytes = 0
  #running = 0
  #cancelTimer: Cancel | null = null

  constructor(spec: BufferSpec, context: LineupContext) {
    this.#spec = spec
    this.#context = context
    this.#bounds = new Bounds(spec.maxItems, spec.maxBytes)
  }

  get waiting(): number {
    return this.#line.length
  }

  get running(): number {
    return this.#running
  }

  get limit(): number {
    return this.#context.queue.concurrency
  }

  hasRoom(bytes: number): boolean {
    return this.#bounds.fits(bytes)
  }

  get freeSlots(): number {
    return this.#bounds.freeSlots
  }

  add(held: HeldCommand): void {
    this.#bounds.add(held.bytes)
    this.#line.push(held)
    this.#gatheredBytes += held.bytes
    if (this.#gathered >= this.#spec.flushSize || this.#gatheredBytes >= this.#spec.flushBytes) this.hurry()
    else this.#cancelTimer ??= this.#context.clock.schedule(this.#spec.flushEveryMs, () => this.hurry())
  }

  dropOldest(): HeldCommand | undefined {
    const oldest = this.#line.shift()
    if (oldest === undefined) return undefined
    this.#bounds.remove(oldest.bytes)
    // Only a full buffer drops, and what is full was released before.
    this.#released -= 1
    return oldest
  }

  removeWaiting(): HeldCommand[] {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#released = 0
    this.#gatheredBytes = 0
    const waiting = this.#line.takeAll()
    for (const { bytes } of waiting) this.#bounds.remove(bytes)
    return waiting
  }

  hurry(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#released = this.#line.length
    this.#gatheredBytes = 0
    this.#startReleased()
  }

  get #gathered(): number {
    return this.#line.length - this.#released
  }

  #startReleased(): void {
    while (this.#released > 0 && this.#running < this.limit) {
      const batch = takeNextBatch(this.#line, this.#context.definitions, this.#released)
      this.#released -= batch.length
      this.#running += 1
      this.#context.clock.defer(() => void this.#context.execute(batch).then(() => this.#finish(batch)))
    }
  }

  #finish(batch: readonly HeldCommand[]): void {
    this.#running -= 1
    for (const { bytes } of batch) this.#bounds.remove(bytes)
    this.#startReleased()
    this.#context.onChange()
  }
}
