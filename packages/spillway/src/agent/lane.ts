// The frames of one queue on their way to the worker of this very process: as many in its hands as it gave credit for, in the order of
// their files. One that the worker does not get to goes to the store after a while, so that a queue that stands still, or that nobody here
// works on, keeps no other queue of its writer waiting.

import { ENVELOPE_CONTENT_TYPE } from '../domain/index.js'
import type { Cancel, Clock, Delivery, SubscribeRequest, Subscription } from '../ports/index.js'
import { type AddressedFrame, SHIPPED, type ShipVerdict } from './destination.js'
import { OVERFLOW_AFTER_MS } from './limits.js'
import type { Overflow } from './overflow.js'

export interface LaneOptions {
  readonly overflow: Overflow
  readonly clock: Clock
}

interface Entry {
  readonly frame: AddressedFrame
  readonly answer: (verdict: ShipVerdict) => void
  readonly since: number
  /** Its place in the order in which frames came. */
  readonly place: number
  wasDelivered: boolean
}

interface Consumer {
  readonly request: SubscribeRequest
  /** What it holds, in the order of delivery. */
  readonly hands: Set<Entry>
}

export class Lane {
  readonly #options: LaneOptions
  #waiting: Entry[] = []
  #consumer: Consumer | null = null
  #cancelOverflow: Cancel | null = null
  #placesGiven = 0
  #isDeferred = false
  #isClosed = false

  constructor(options: LaneOptions) {
    this.#options = options
  }

  get delivered(): number {
    return this.#consumer?.hands.size ?? 0
  }

  /** Resolves once the frame has ended. */
  ship(frame: AddressedFrame): Promise<ShipVerdict> {
    if (this.#isClosed) return Promise.resolve(CLOSED)
    return new Promise((answer) => {
      const since = this.#options.clock.monotonic()
      this.#placesGiven += 1
      this.#waiting.push({ frame, answer, since, place: this.#placesGiven, wasDelivered: false })
      this.#deliver()
    })
  }

  /** One consumer at a time: the worker of a queue is one. */
  subscribe(request: SubscribeRequest): Subscription {
    const consumer: Consumer = { request, hands: new Set() }
    this.#takeBack()
    this.#consumer = consumer
    this.#deliverSoon()
    return {
      close: async () => {
        if (this.#consumer === consumer) this.#takeBack()
      },
    }
  }

  /** What has not ended is in doubt. */
  close(): void {
    this.#isClosed = true
    this.#takeBack()
    this.#cancelOverflow?.()
    for (const { answer } of this.#waiting.splice(0)) answer(CLOSED)
  }

  #deliver(): void {
    const consumer = this.#consumer
    while (
      consumer !== null &&
      consumer === this.#consumer &&
      consumer.hands.size < consumer.request.credit
    ) {
      const entry = this.#waiting.shift()
      if (entry === undefined) break
      consumer.hands.add(entry)
      const delivery = this.#deliveryOf(consumer, entry)
      entry.wasDelivered = true
      consumer.request.onDelivery(delivery)
    }
    this.#watchWaiting()
  }

  /** Never within the call of a consumer that ends one. */
  #deliverSoon(): void {
    if (this.#isDeferred) return
    this.#isDeferred = true
    this.#options.clock.defer(() => {
      this.#isDeferred = false
      this.#deliver()
    })
  }

  #deliveryOf(consumer: Consumer, entry: Entry): Delivery {
    const end = (verdict: ShipVerdict | null): void => {
      if (!consumer.hands.delete(entry)) return
      if (verdict === null) this.#putBack([entry])
      else entry.answer(verdict)
      this.#deliverSoon()
    }
    const { address, payload } = entry.frame
    return {
      ...{ id: address.id, contentType: ENVELOPE_CONTENT_TYPE, headers: {}, body: payload },
      redelivered: entry.wasDelivered,
      ack: () => end(SHIPPED),
      release: () => end(null),
      refuse: (reason) => end({ status: 'refused', reason }),
    }
  }

  /** From a consumer that is gone. */
  #takeBack(): void {
    if (this.#consumer === null) return
    const { hands } = this.#consumer
    this.#putBack(hands)
    hands.clear()
    this.#consumer = null
    this.#watchWaiting()
  }

  #putBack(entries: Iterable<Entry>): void {
    this.#waiting = [...entries, ...this.#waiting].sort((a, b) => a.place - b.place)
  }

  #watchWaiting(): void {
    if (this.#cancelOverflow !== null || this.#waiting.length === 0 || this.#isClosed) return
    this.#cancelOverflow = this.#options.clock.schedule(OVERFLOW_AFTER_MS, () => {
      this.#cancelOverflow = null
      this.#overflow()
      this.#watchWaiting()
    })
  }

  #overflow(): void {
    const { clock, overflow } = this.#options
    const before = clock.monotonic() - OVERFLOW_AFTER_MS
    this.#waiting = this.#waiting.filter((entry) => {
      if (entry.since > before || !this.#mayOverflow(entry)) return true
      overflow.take(entry)
      return false
    })
  }

  /** What a consumer holds may be stored later than this would be; a consumer that is there stores what has an order at once. */
  #mayOverflow({ frame }: Entry): boolean {
    return frame.address.partition === null || this.#consumer === null
  }
}

const CLOSED: ShipVerdict = { status: 'unknown', error: new Error('The worker of this process is closing.') }
