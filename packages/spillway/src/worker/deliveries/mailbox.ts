// The messages in this process's hands: which of them wait to be executed here, and which only have to get into the store. Bounded
// by the credit: a broker hands out no more than that over a living connection, so what is beyond it came over one that was lost, and
// has been or will be delivered again.

import type { Delivery } from '../../ports/index.js'
import type { Message } from './message.js'

export type Wanted = (message: Message) => boolean

export class Mailbox {
  readonly #credit: number
  readonly #isExecutable: Wanted
  /** Oldest first. */
  readonly #open = new Map<Delivery, Message>()
  readonly #byIdentity = new Map<string, Message>()
  readonly #waiting = new Set<Message>()
  readonly #forStore = new Set<Message>()

  constructor(credit: number, isExecutable: Wanted) {
    this.#credit = credit
    this.#isExecutable = isExecutable
  }

  /** Deliveries that are not ended, whatever is being done with them. */
  get size(): number {
    return this.#open.size
  }

  /** The broker hands out nothing more before one of these is ended. */
  get isFull(): boolean {
    return this.#open.size >= this.#credit
  }

  /** Messages that wait for their place in the store alone, in the order they came. */
  get forStore(): ReadonlySet<Message> {
    return this.#forStore
  }

  hasWaiting(isWanted: Wanted): boolean {
    for (const message of this.#waiting) if (isWanted(message)) return true
    return false
  }

  /** What waits and is wanted: the higher priority first, or as it came. */
  waiting(isWanted: Wanted, oldestFirst = false): readonly Message[] {
    const messages = [...this.#waiting].filter(isWanted)
    return oldestFirst ? messages : messages.sort((one, other) => other.priority - one.priority)
  }

  /** Where the message waits now; `known`: it is in hand already. */
  add(delivery: Delivery, message: Message): 'known' | 'waiting' | 'forStore' {
    const known = message.identity === null ? undefined : this.#byIdentity.get(message.identity)
    const kept = known ?? message
    kept.deliveries.add(delivery)
    this.#open.set(delivery, kept)
    if (known === undefined) {
      if (message.identity !== null) this.#byIdentity.set(message.identity, message)
      if (this.#isExecutable(message)) this.#waiting.add(message)
      else this.#forStore.add(message)
    }
    if (this.#open.size > this.#credit) this.#dropOldest()
    if (known !== undefined) return 'known'
    return this.#waiting.has(message) ? 'waiting' : 'forStore'
  }

  /** They wait no more. */
  take(messages: readonly Message[]): void {
    for (const message of messages) this.#waiting.delete(message)
  }

  /** Puts back what was taken and nobody used, before the others. */
  putBack(messages: readonly Message[]): void {
    if (messages.length === 0) return
    const others = [...this.#waiting]
    this.#waiting.clear()
    for (const message of [...messages, ...others]) this.#waiting.add(message)
  }

  /** What waits and may not be executed yet makes way for what can. True when there was any. */
  leaveToStore(types: ReadonlySet<string>): boolean {
    const messages = [...this.#waiting].filter(({ type }) => types.has(type))
    for (const message of messages) {
      this.#waiting.delete(message)
      this.#forStore.add(message)
    }
    return messages.length > 0
  }

  /** They are being stored. */
  takeForStore(messages: readonly Message[]): void {
    for (const message of messages) this.#forStore.delete(message)
  }

  ack(message: Message): void {
    for (const delivery of this.#end(message)) delivery.ack()
  }

  refuse(message: Message, reason: string): void {
    for (const delivery of this.#end(message)) delivery.refuse(reason)
  }

  /** What is left is the broker's again, which takes it back when the subscription ends. */
  clear(): void {
    for (const messages of [this.#open, this.#byIdentity, this.#waiting, this.#forStore]) messages.clear()
  }

  #end(message: Message): readonly Delivery[] {
    const deliveries = [...message.deliveries]
    for (const delivery of deliveries) this.#open.delete(delivery)
    message.deliveries.clear()
    this.#forget(message)
    return deliveries
  }

  #dropOldest(): void {
    const [oldest] = this.#open
    if (oldest === undefined) return
    const [delivery, message] = oldest
    this.#open.delete(delivery)
    message.deliveries.delete(delivery)
    delivery.release()
    if (message.deliveries.size > 0) return
    const isUntouched = this.#waiting.delete(message) || this.#forStore.delete(message)
    if (isUntouched) this.#forget(message)
  }

  #forget(message: Message): void {
    const { identity } = message
    if (identity !== null && this.#byIdentity.get(identity) === message) this.#byIdentity.delete(identity)
  }
}
