// Keeps a queue subscribed: a broker that cannot be reached when the worker starts is tried again until it can.

import type { Broker, Clock, Random, SubscribeRequest, Subscription, Telemetry } from '../../ports/index.js'
import { storeBackoffMs } from '../store-backoff.js'

export interface SubscriberOptions {
  readonly broker: Pick<Broker, 'subscribe'>
  readonly request: SubscribeRequest
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
}

export class Subscriber {
  readonly #options: SubscriberOptions
  readonly #closed = new AbortController()
  #subscribing: Promise<Subscription | null> | null = null

  constructor(options: SubscriberOptions) {
    this.#options = options
  }

  start(): void {
    this.#subscribing ??= this.#subscribe()
  }

  /** What is not ended is delivered to others then. Never rejects. */
  async close(): Promise<void> {
    this.#closed.abort()
    try {
      const subscription = await this.#subscribing
      await subscription?.close()
    } catch (error) {
      this.#recordFault(error)
    }
  }

  async #subscribe(): Promise<Subscription | null> {
    const { broker, request, clock, random } = this.#options
    const { signal } = this.#closed
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        return await broker.subscribe(request)
      } catch (error) {
        this.#recordFault(error)
        await clock.sleep(storeBackoffMs(failures, random), signal)
      }
    }
    return null
  }

  #recordFault(error: unknown): void {
    this.#options.telemetry.record({ event: 'fault', where: 'worker.subscribe', error })
  }
}
