// Events between whoever settles commands, which never waits, and a reader that takes its time.

import type { SettledEvent } from '../ports/index.js'
import type { CommandEventRecord } from './api.js'

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }

export class EventBuffer implements AsyncIterableIterator<CommandEventRecord> {
  readonly #max: number
  readonly #wants: (event: SettledEvent) => boolean
  readonly #onEnd: () => void
  /** A ring once it is full: the oldest is at `#first`. */
  readonly #events: SettledEvent[] = []
  #first = 0
  #dropped = 0
  #ended = false
  #waiting: ((result: IteratorResult<CommandEventRecord>) => void)[] = []

  constructor(max: number, wants: (event: SettledEvent) => boolean, onEnd: () => void) {
    this.#max = max
    this.#wants = wants
    this.#onEnd = onEnd
  }

  push(event: SettledEvent): void {
    if (this.#ended || !this.#wants(event)) return
    const reader = this.#waiting.shift()
    if (reader !== undefined) reader({ done: false, value: { ...event, dropped: this.#countDropped() } })
    else this.#keep(event)
  }

  next(): Promise<IteratorResult<CommandEventRecord>> {
    const event = this.#take()
    if (event !== undefined)
      return Promise.resolve({ done: false, value: { ...event, dropped: this.#countDropped() } })
    if (this.#ended) return Promise.resolve(DONE)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  return(): Promise<IteratorResult<CommandEventRecord>> {
    this.#events.length = 0
    this.#first = 0
    this.end()
    return Promise.resolve(DONE)
  }

  /** What is buffered can still be read. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd()
    for (const reader of this.#waiting) reader(DONE)
    this.#waiting = []
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #keep(event: SettledEvent): void {
    if (this.#events.length < this.#max) {
      this.#events.push(event)
      return
    }
    this.#events[this.#first] = event
    this.#first = (this.#first + 1) % this.#max
    this.#dropped += 1
  }

  /** Turning the ring costs as much as it holds, once per time that it was full; shifting is amortised by the engine. */
  #take(): SettledEvent | undefined {
    if (this.#first > 0) {
      this.#events.push(...this.#events.splice(0, this.#first))
      this.#first = 0
    }
    return this.#events.shift()
  }

  #countDropped(): number {
    const dropped = this.#dropped
    this.#dropped = 0
    return dropped
  }
}
