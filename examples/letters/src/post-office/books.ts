// What the post office has done, as it writes it down. It knows no idempotency keys: what is posted twice is printed twice,
// so its notes are the witness for what was really issued.

import type { DurableLog } from '../durable-log.js'
import type { Order, OrderStatus, PostOfficeFact } from './wire.js'

interface Entry {
  status: OrderStatus
  letters: number
}

export class Books {
  readonly #log: DurableLog<PostOfficeFact>
  readonly #postings = new Map<string, number>()
  readonly #entries = new Map<string, Entry>()

  constructor(log: DurableLog<PostOfficeFact>) {
    this.#log = log
  }

  /** Orders that came at least once. */
  get orders(): number {
    return this.#postings.size
  }

  /** How often this order came, this time included. */
  posted(orderId: string): number {
    const postings = (this.#postings.get(orderId) ?? 0) + 1
    this.#postings.set(orderId, postings)
    void this.#log.note({ fact: 'posted', orderId })
    return postings
  }

  /** From now on it is known here, whatever becomes of it. */
  receive(orderId: string): void {
    if (!this.#entries.has(orderId)) this.#entries.set(orderId, { status: 'received', letters: 0 })
  }

  async issue(orderId: string): Promise<Order> {
    const entry = this.#entry(orderId)
    entry.letters += 1
    await this.#log.note({ fact: 'issued', orderId })
    if (entry.status !== 'refunded') entry.status = 'issued'
    return orderOf(orderId, entry)
  }

  async refuse(orderId: string): Promise<void> {
    const entry = this.#entry(orderId)
    if (entry.status !== 'received') return
    entry.status = 'refused'
    await this.#log.note({ fact: 'refused', orderId })
  }

  /** Noted once per order, however often it is asked for. */
  async refund(orderId: string): Promise<void> {
    const entry = this.#entry(orderId)
    if (entry.status === 'refunded') return
    entry.status = 'refunded'
    await this.#log.note({ fact: 'refunded', orderId })
  }

  order(orderId: string): Order | null {
    const entry = this.#entries.get(orderId)
    return entry === undefined ? null : orderOf(orderId, entry)
  }

  lookUp(orderId: string): Order | null {
    const order = this.order(orderId)
    void this.#log.note({ fact: 'looked', orderId, status: order?.status ?? null })
    return order
  }

  answered(orderId: string, taken: boolean): Promise<void> {
    return this.#log.note({ fact: 'answered', orderId, taken })
  }

  #entry(orderId: string): Entry {
    this.receive(orderId)
    return this.#entries.get(orderId) as Entry
  }
}

function orderOf(orderId: string, { status, letters }: Entry): Order {
  return { orderId, status, trackingNumber: letters === 0 ? null : `${orderId}-${letters}` }
}
