// A bounded pool with the rules of java.util.concurrent.ThreadPoolExecutor: below its core size every command gets a slot of its
// own; then commands queue; when the queue is full further slots open, up to the maximum, each for the command that
// found it full; then the rejection policy speaks. A slot that is done takes the oldest from the queue, or closes.

import type { PoolSpec } from '../config/index.js'
import { Bounds } from './bounds.js'
import type { ChannelContext, OpenChannel } from './channel-context.js'
import { Fifo } from './fifo.js'
import type { HeldCommand } from './held-command.js'
import { takeNextBatch } from './next-batch.js'
import { type Lineup, type LineupContext, VolatileChannel } from './volatile-channel.js'

export function poolChannel(spec: PoolSpec, context: ChannelContext): OpenChannel {
  const { kind, whenFull, blockTimeoutMs, maxBytes } = spec
  const lineup = (lineupContext: LineupContext): Lineup => new PoolLineup(spec, lineupContext)
  return new VolatileChannel(
    { kind, durability: 'memory', whenFull, blockTimeoutMs, maxBytes, lineup },
    context,
  )
}

class PoolLineup implements Lineup {
  readonly #spec: PoolSpec
  readonly #context: LineupContext
  readonly #queue = new Fifo<HeldCommand>()
  readonly #bounds: Bounds
  #running = 0

  constructor(spec: PoolSpec, context: LineupContext) {
    this.#spec = spec
    this.#context = context
    this.#bounds = new Bounds(spec.queueCapacity, spec.maxBytes)
  }

  get waiting(): number {
    return this.#queue.length
  }

  get running(): number {
    return this.#running
  }

  get limit(): number {
    return this.#spec.maxSize
  }

  hasRoom(bytes: number): boolean {
    return this.#running < this.#spec.maxSize || this.#bounds.fits(bytes)
  }

  get freeSlots(): number {
    return this.#spec.maxSize - this.#running + this.#bounds.freeSlots
  }

  add(held: HeldCommand): void {
    if (this.#running < this.#spec.coreSize || !this.#bounds.fits(held.bytes)) {
      this.#running += 1
      this.#start([held])
    } else {
      this.#bounds.add(held.bytes)
      this.#queue.push(held)
    }
  }

  dropOldest(): HeldCommand | undefined {
    const oldest = this.#queue.shift()
    if (oldest !== undefined) this.#bounds.remove(oldest.bytes)
    return oldest
  }

  removeWaiting(): HeldCommand[] {
    const waiting = this.#queue.takeAll()
    for (const { bytes } of waiting) this.#bounds.remove(bytes)
    return waiting
  }

  hurry(): void {
    // Nothing waits here that could run.
  }

  #start(batch: readonly HeldCommand[]): void {
    // Not in the submitter's own turn, and not before others had theirs: a handler may be all computation.
    this.#context.clock.defer(() => void this.#context.execute(batch).then(() => this.#next()))
  }

  #next(): void {
    const batch = takeNextBatch(this.#queue, this.#context.definitions, Number.POSITIVE_INFINITY)
    for (const { bytes } of batch) this.#bounds.remove(bytes)
    if (batch.length > 0) this.#start(batch)
    else this.#running -= 1
    this.#context.onChange()
  }
}
