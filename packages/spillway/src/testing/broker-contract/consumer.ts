// A consumer that keeps what it is handed, and says so: tests await deliveries, never time.

import type { Broker, Delivery, SubscribeRequest, Subscription } from '../../ports/index.js'

interface Waiter {
  readonly isMet: () => boolean
  readonly met: () => void
}

export interface ConsumeOptions extends Partial<Omit<SubscribeRequest, 'onDelivery'>> {
  /** Called with each delivery once it was noted. Default: it is kept in hand. */
  readonly each?: (delivery: Delivery) => void
}

/** More than any test publishes. */
const CREDIT = 1_000

export class Consumer {
  /** Everything delivered, in order. */
  readonly deliveries: Delivery[] = []
  #waiters: Waiter[] = []
  #subscription: Subscription | null = null

  static async on(broker: Broker, options: ConsumeOptions = {}): Promise<Consumer> {
    const { queue = 'main', credit = CREDIT, each } = options
    const consumer = new Consumer()
    const onDelivery = (delivery: Delivery): void => {
      consumer.deliveries.push(delivery)
      each?.(delivery)
      consumer.#tell()
    }
    consumer.#subscription = await broker.subscribe({ queue, credit, onDelivery })
    return consumer
  }

  /** Ids of everything delivered, in order, repeats included. */
  get ids(): readonly (string | null)[] {
    return this.deliveries.map((delivery) => delivery.id)
  }

  /** The first `count` deliveries, once there are so many. */
  async received(count: number): Promise<readonly Delivery[]> {
    await this.#until(() => this.deliveries.length >= count)
    return this.deliveries.slice(0, count)
  }

  /** Once each of the ids was delivered at least once. */
  async receivedAll(ids: readonly string[]): Promise<void> {
    await this.#until(() => {
      const here = new Set(this.ids)
      return ids.every((id) => here.has(id))
    })
  }

  /** The first delivery of a message that comes after the first `after` deliveries. */
  async receivedAgain(id: string, after: number): Promise<Delivery> {
    const find = (): Delivery | undefined =>
      this.deliveries.slice(after).find((delivery) => delivery.id === id)
    await this.#until(() => find() !== undefined)
    return find() as Delivery
  }

  async close(): Promise<void> {
    await this.#subscription?.close()
  }

  #until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ isMet, met: resolve }))
  }

  #tell(): void {
    const met = this.#waiters.filter(({ isMet }) => isMet())
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter))
    for (const waiter of met) waiter.met()
  }
}
