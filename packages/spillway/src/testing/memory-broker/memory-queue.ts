// One queue of the memory broker: what waits, in the order of publication, what is in somebody's hands, and what was refused.
// A partition goes to one consumer as long as that one is there, so that its order survives many consumers.

import type { OutgoingMessage } from '../../ports/index.js'

export interface StoredMessage {
  readonly message: OutgoingMessage
  /** Order of publication; what is given back returns to its place. */
  readonly seq: number
  deliveries: number
}

export interface RefusedMessage {
  readonly message: OutgoingMessage
  readonly reason: string
}

/** Whom messages go to, and what that one has. */
export interface Consumer {
  readonly credit: number
  readonly held: Set<StoredMessage>
  /** On its way to the consumer; whether it arrives is not the queue's affair. */
  send(stored: StoredMessage): void
}

export class MemoryQueue {
  readonly name: string
  readonly partitions: number | null
  readonly refused: RefusedMessage[] = []
  readonly #consumers: Consumer[] = []
  readonly #owners = new Map<number, Consumer>()
  #waiting: StoredMessage[] = []
  #turn = 0

  constructor(name: string, partitions: number | null) {
    this.name = name
    this.partitions = partitions
  }

  get waiting(): readonly StoredMessage[] {
    return this.#waiting
  }

  get held(): readonly StoredMessage[] {
    return this.#consumers.flatMap(({ held }) => [...held])
  }

  add(stored: StoredMessage): void {
    let at = this.#waiting.length
    while (at > 0 && (this.#waiting[at - 1]?.seq ?? 0) > stored.seq) at -= 1
    this.#waiting.splice(at, 0, stored)
  }

  attach(consumer: Consumer): void {
    this.#consumers.push(consumer)
  }

  /** What it held waits again. */
  detach(consumer: Consumer): void {
    const at = this.#consumers.indexOf(consumer)
    if (at === -1) return
    this.#consumers.splice(at, 1)
    for (const [partition, owner] of this.#owners) if (owner === consumer) this.#owners.delete(partition)
    for (const stored of consumer.held) this.add(stored)
    consumer.held.clear()
  }

  /** Hands out what may be handed out now. */
  dispatch(): void {
    const left: StoredMessage[] = []
    const stuck = new Set<number>()
    for (const stored of this.#waiting) {
      const { partition } = stored.message
      const consumer = partition !== null && stuck.has(partition) ? null : this.#consumerFor(partition)
      if (consumer !== null) {
        consumer.held.add(stored)
        stored.deliveries += 1
        consumer.send(stored)
        continue
      }
      if (partition !== null) stuck.add(partition)
      left.push(stored)
    }
    this.#waiting = left
  }

  #consumerFor(partition: number | null): Consumer | null {
    if (partition === null) return this.#nextWithRoom()
    const owner = this.#owners.get(partition) ?? this.#leastLoaded()
    if (owner === null) return null
    this.#owners.set(partition, owner)
    return hasRoom(owner) ? owner : null
  }

  #nextWithRoom(): Consumer | null {
    for (let tried = 0; tried < this.#consumers.length; tried += 1) {
      const consumer = this.#consumers[this.#turn % this.#consumers.length]
      this.#turn += 1
      if (consumer !== undefined && hasRoom(consumer)) return consumer
    }
    return null
  }

  #leastLoaded(): Consumer | null {
    const owned = new Map<Consumer, number>()
    for (const owner of this.#owners.values()) owned.set(owner, (owned.get(owner) ?? 0) + 1)
    let least: Consumer | null = null
    for (const consumer of this.#consumers)
      if (least === null || (owned.get(consumer) ?? 0) < (owned.get(least) ?? 0)) least = consumer
    return least
  }
}

function hasRoom({ held, credit }: Consumer): boolean {
  return held.size < credit
}
