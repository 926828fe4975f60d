// The end of an exchange, whoever sets it: the time it may take, or the caller who calls it off. undici hears of its signal only
// once it is connected, so that waiting must be raced against it as well: that is what frees the slot in every phase.

import type { Cancel, Clock } from '../ports/index.js'
import { DeliveryError } from './delivery-error.js'

export class Deadline {
  readonly #controller = new AbortController()
  readonly #reached: Promise<never>
  readonly #cancelTimer: Cancel
  readonly #outer: AbortSignal | undefined
  readonly #onOuterAbort = (): void => this.#end(new DeliveryError('aborted', 'the delivery was called off'))

  constructor(clock: Clock, ms: number, outer?: AbortSignal) {
    this.#reached = new Promise((_, reject) => {
      this.signal.addEventListener('abort', () => reject(this.signal.reason as DeliveryError))
    })
    // Nobody may be racing when it is reached.
    this.#reached.catch(() => {})
    this.#cancelTimer = clock.schedule(ms, () =>
      this.#end(new DeliveryError('timeout', `no answer within ${ms} ms`)),
    )
    this.#outer = outer
    if (outer?.aborted === true) this.#onOuterAbort()
    else outer?.addEventListener('abort', this.#onOuterAbort)
  }

  /** Aborts with a DeliveryError that says why. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** `work`, or the deadline's DeliveryError when that comes first. */
  race<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#reached])
  }

  clear(): void {
    this.#cancelTimer()
    this.#outer?.removeEventListener('abort', this.#onOuterAbort)
  }

  #end(error: DeliveryError): void {
    this.#controller.abort(error)
  }
}
