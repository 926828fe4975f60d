// What no worker of this process takes in time goes to the store, where any worker takes it: one append at a time, so that the order stays,
// and again until it worked.

import type { Clock, Random } from '../ports/index.js'
import type { AddressedFrame, Destination, ShipVerdict } from './destination.js'
import { shipBackoffMs } from './ship-backoff.js'

export interface Overflowing {
  readonly frame: AddressedFrame
  readonly answer: (verdict: ShipVerdict) => void
}

export interface OverflowOptions {
  readonly destination: Destination
  readonly clock: Clock
  readonly random: Random
}

export class Overflow {
  readonly #options: OverflowOptions
  readonly #closing = new AbortController()
  readonly #waiting: Overflowing[] = []
  #running: Promise<void> | null = null

  constructor(options: OverflowOptions) {
    this.#options = options
  }

  take(entry: Overflowing): void {
    this.#waiting.push(entry)
    this.#running ??= this.#run().finally(() => {
      this.#running = null
    })
  }

  /** What waits is in doubt from now on. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    // Whoever hands over many at once shall find them in one append.
    await new Promise<void>((resolve) => this.#options.clock.defer(resolve))
    while (this.#waiting.length > 0) await this.#ship(this.#nextBatch())
  }

  async #ship(batch: readonly Overflowing[]): Promise<void> {
    const { destination, clock, random } = this.#options
    const { signal } = this.#closing
    let left = batch
    for (let failures = 1; left.length > 0; failures += 1) {
      const verdicts = await destination.ship(left.map(({ frame }) => frame))
      const isOver = signal.aborted
      left = left.filter(({ answer }, index) => {
        const verdict = verdicts[index] ?? NO_VERDICT
        if (verdict.status === 'unknown' && !isOver) return true
        answer(verdict)
        return false
      })
      if (left.length > 0) await clock.sleep(shipBackoffMs(failures, random), signal)
    }
  }

  #nextBatch(): Overflowing[] {
    const { batchFramesMax, batchBytesMax } = this.#options.destination
    let bytes = 0
    let count = 0
    for (const { frame } of this.#waiting) {
      bytes += frame.payload.byteLength
      if (count > 0 && (count >= batchFramesMax || bytes > batchBytesMax)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}

const NO_VERDICT: ShipVerdict = { status: 'unknown', error: new Error('There was no verdict.') }
