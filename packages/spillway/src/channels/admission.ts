// Who gets in, for every bounded channel: an offer that finds room is taken; for one that does not, the queue's policy
// speaks. With `block`, offers wait in line and in order for a limited time, and the line itself is bounded.

import { INTAKE_BYTES_MAX } from '../domain/index.js'
import type { Cancel, Clock } from '../ports/index.js'
import { Bounds } from './bounds.js'
import { Fifo } from './fifo.js'
import type { Offer } from './offer.js'
import { closed, queueFull } from './verdicts.js'

/** Offers that may wait in line under the `block` policy. */
export const BLOCKED_ITEMS_MAX = 10_000

const READY: Promise<void> = Promise.resolve()

export interface AdmissionOptions {
  readonly clock: Clock
  readonly queue: string
  readonly hasRoom: (bytes: number) => boolean
  /** `hasWaited`: it stood in line before. */
  readonly take: (offer: Offer, hasWaited: boolean) => void
  /** How many commands could be taken now without being refused, blocked or run by their callers. */
  readonly freeSlots: () => number
  /** What is done with an offer that found no room; null blocks it. */
  readonly overflow: ((offer: Offer) => void) | null
  readonly blockTimeoutMs: number
}

interface Blocked {
  readonly offer: Offer
  /** By the monotonic clock. All have the same patience, so the first in line is the first to give up. */
  readonly until: number
}

export class Admission {
  readonly #options: AdmissionOptions
  readonly #line = new Fifo<Blocked>()
  readonly #lineBounds = new Bounds(BLOCKED_ITEMS_MAX, INTAKE_BYTES_MAX)
  #cancelTimer: Cancel | null = null
  readonly #awaitingReady = new Fifo<() => void>()
  #wakeDeferred = false

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  admit(offer: Offer): void {
    const { hasRoom, take, overflow } = this.#options
    if (this.#line.length === 0 && hasRoom(offer.command.bytes)) take(offer, false)
    else if (overflow !== null) overflow(offer)
    else this.#block(offer)
  }

  refuse(offer: Offer): void {
    offer.done(queueFull(this.#options.queue))
  }

  ready(): Promise<void> {
    if (this.#awaitingReady.length === 0 && this.#freeSlots() > 0) return READY
    return new Promise((resolve) => this.#awaitingReady.push(resolve))
  }

  /** To be called whenever something was finished or given up. */
  roomMade(): void {
    for (let first = this.#line.peek(); first !== undefined; first = this.#line.peek()) {
      if (!this.#options.hasRoom(first.offer.command.bytes)) break
      this.#options.take(this.#leaveLine(), true)
    }
    if (this.#awaitingReady.length > 0) this.#wake(this.#freeSlots())
  }

  close(): void {
    while (this.#line.length > 0) this.#leaveLine().done(closed(this.#options.queue))
    for (const resolve of this.#awaitingReady.takeAll()) resolve()
  }

  #freeSlots(): number {
    return this.#line.length > 0 ? 0 : this.#options.freeSlots()
  }

  /** Only as many as there is room for, or all but a few of a crowd would come in vain, every time. */
  #wake(count: number): void {
    const woken = Math.min(count, this.#awaitingReady.length)
    for (let index = 0; index < woken; index += 1) this.#awaitingReady.shift()?.()
    if (count === 0 || this.#awaitingReady.length === 0 || this.#wakeDeferred) return
    this.#wakeDeferred = true
    // Some that were woken may not have wanted the room any more.
    this.#options.clock.defer(() => {
      this.#wakeDeferred = false
      this.#wake(this.#freeSlots())
    })
  }

  #block(offer: Offer): void {
    const { bytes } = offer.command
    if (!this.#lineBounds.fits(bytes)) {
      this.refuse(offer)
      return
    }
    this.#lineBounds.add(bytes)
    this.#line.push({ offer, until: this.#options.clock.monotonic() + this.#options.blockTimeoutMs })
    if (this.#cancelTimer === null) this.#watchFirst()
  }

  /** One timer for the whole line. */
  #watchFirst(): void {
    const first = this.#line.peek()
    if (first === undefined) return
    this.#cancelTimer = this.#options.clock.schedule(first.until - this.#options.clock.monotonic(), () => {
      this.#cancelTimer = null
      this.#giveUp()
      this.#watchFirst()
    })
  }

  #giveUp(): void {
    const now = this.#options.clock.monotonic()
    for (let first = this.#line.peek(); first !== undefined && first.until <= now; first = this.#line.peek())
      this.refuse(this.#leaveLine())
    this.roomMade()
  }

  #leaveLine(): Offer {
    const { offer } = this.#line.shift() as Blocked
    this.#lineBounds.remove(offer.command.bytes)
    if (this.#line.length === 0) {
      this.#cancelTimer?.()
      this.#cancelTimer = null
    }
    return offer
  }
}
