// One partition of a topic while it is this process's to read. Kafka knows no single messages, only how far a partition was read: so
// far as everything before was ended, in whatever order that happened.

import type { KafkaMessage } from 'kafkajs'
import type { Delivery } from '../../ports/index.js'
import { propertiesOf } from './properties.js'

export interface LaneParts {
  readonly onDelivery: (delivery: Delivery) => void
  /** There is room for one more, and more may have been ended from the beginning on. */
  readonly onEnded: () => void
  /** Keeps a refused message elsewhere; true once it is there. */
  readonly keep: (message: KafkaMessage, reason: string) => Promise<boolean>
  readonly later: (ms: number, run: () => void) => void
}

/** A message that was given back is delivered again after this long: whoever gave it back could not use it just now. */
const RELEASE_MS = 20
/** Between two tries to keep a refused message. */
const KEEP_AGAIN_MS = 1_000

const EMPTY = new Uint8Array(0)

export class Lane {
  readonly partition: number
  readonly #parts: LaneParts
  /** Offsets, the lowest first: a Set keeps the order in which they came. */
  readonly #inHand = new Set<number>()
  #next: number | null = null
  #committed = -1
  #isVoid = false

  constructor(partition: number, parts: LaneParts) {
    this.partition = partition
    this.#parts = parts
  }

  get inHand(): number {
    return this.#inHand.size
  }

  /** The partition is somebody else's by now, or may be. */
  get isVoid(): boolean {
    return this.#isVoid
  }

  /** The offset that is delivered next, once that is known. */
  get next(): number | null {
    return this.#next
  }

  /** Everything before this offset was ended; null when that is where it was committed. */
  get toCommit(): number | null {
    const [lowest = this.#next] = this.#inHand
    return lowest === null || lowest <= this.#committed ? null : lowest
  }

  committed(offset: number): void {
    this.#committed = Math.max(this.#committed, offset)
  }

  /** What is in hand can no longer be ended. */
  revoke(): void {
    this.#isVoid = true
    this.#inHand.clear()
  }

  deliver(message: KafkaMessage): void {
    const offset = Number(message.offset)
    if (this.#isVoid) return
    if (this.#next === null) this.#committed = offset
    this.#next = offset + 1
    this.#inHand.add(offset)
    this.#hand(message, false)
  }

  #hand(message: KafkaMessage, redelivered: boolean): void {
    const offset = Number(message.offset)
    let isOpen = true
    const once = (run: () => void) => (): void => {
      if (!isOpen || this.#isVoid) return
      isOpen = false
      run()
    }
    this.#parts.onDelivery({
      ...propertiesOf(message),
      body: message.value ?? EMPTY,
      redelivered,
      ack: once(() => this.#end(offset)),
      release: once(() => this.#parts.later(RELEASE_MS, () => this.#again(message))),
      refuse: (reason) => once(() => void this.#refuse(message, reason))(),
    })
  }

  #again(message: KafkaMessage): void {
    if (!this.#isVoid) this.#hand(message, true)
  }

  #end(offset: number): void {
    if (this.#inHand.delete(offset)) this.#parts.onEnded()
  }

  async #refuse(message: KafkaMessage, reason: string): Promise<void> {
    if (this.#isVoid) return
    if (await this.#parts.keep(message, reason)) {
      if (!this.#isVoid) this.#end(Number(message.offset))
    } else this.#parts.later(KEEP_AGAIN_MS, () => void this.#refuse(message, reason))
  }
}
