// Publishing to one topic: what came while a request was under way goes out together with the next, so that order is kept and the busier
// it gets, the fewer requests it takes. What a broker says it has not kept, as a partition has just moved, is sent again until its time is
// over; what was not answered is in doubt, and said so.

import type { Message, Producer } from 'kafkajs'
import type { PublishVerdict } from '../../ports/index.js'
import { type Machine, within } from '../driver/index.js'
import { isNotYet, refusalOf, unavailable } from './failures.js'

export interface Outgoing {
  readonly message: Message & { readonly partition: number }
  readonly bytes: number
  /** By the machine's monotonic clock. */
  readonly dueAtMs: number
  readonly settle: (verdict: PublishVerdict) => void
}

export interface SenderParts {
  readonly producer: Producer
  readonly machine: Machine
  readonly topic: string
  /** Of one batch: what a partition is sent in one request. */
  readonly batchBytesMax: number
  readonly timeoutMs: number
  /** Connections on which nobody answers are of no use to the next request either. */
  readonly onSilence: () => void
}

const ACKS_OF_ALL = -1
/** Of one request; of one partition in it, what a batch may have. */
const REQUEST_BYTES_MAX = 16 * 1024 * 1024
const REQUEST_MESSAGES_MAX = 10_000
/** Between two tries of what was not kept. */
const AGAIN_MS = 50
const CONFIRMED: PublishVerdict = Object.freeze({ status: 'confirmed' })

export class Sender {
  readonly #parts: SenderParts
  #waiting: Outgoing[] = []
  #isSending = false

  constructor(parts: SenderParts) {
    this.#parts = parts
  }

  send(outgoing: readonly Outgoing[]): void {
    this.#waiting.push(...outgoing)
    if (!this.#isSending) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isSending = true
    // What is given in one go goes out in one go.
    await null
    while (this.#waiting.length > 0) {
      const group = this.#nextGroup()
      if (group.length > 0) await this.#sendGroup(group)
    }
    this.#isSending = false
  }

  #nextGroup(): readonly Outgoing[] {
    const now = this.#parts.machine.monotonic()
    const room = new Room(this.#parts.batchBytesMax)
    let taken = 0
    const group: Outgoing[] = []
    for (const one of this.#waiting) {
      if (one.dueAtMs <= now) one.settle(inDoubt('no answer in time'))
      else if (room.take(one)) group.push(one)
      else break
      taken += 1
    }
    this.#waiting = this.#waiting.slice(taken)
    return group
  }

  async #sendGroup(group: readonly Outgoing[]): Promise<void> {
    const error = await this.#request(group)
    if (error === null) {
      for (const { settle } of group) settle(CONFIRMED)
    } else if (group.length > 1 && this.#refusal(error, group[0] as Outgoing) !== null) {
      // One of them, or all: each by itself will say.
      for (const one of group) await this.#sendGroup([one])
    } else {
      for (const one of group) {
        const refusal = this.#refusal(error, one)
        one.settle(
          refusal === null
            ? inDoubt('the message was not confirmed', error)
            : { status: 'refused', error: refusal },
        )
      }
    }
  }

  #refusal(error: unknown, { bytes }: Outgoing): ReturnType<typeof refusalOf> {
    return refusalOf(error, bytes, this.#parts.batchBytesMax)
  }

  /** Null once all of them are confirmed. */
  async #request(group: readonly Outgoing[]): Promise<unknown> {
    const { machine, onSilence } = this.#parts
    const dueAtMs = Math.min(...group.map((one) => one.dueAtMs))
    const late = unavailable('no answer in time')
    for (;;) {
      const leftMs = dueAtMs - machine.monotonic()
      if (leftMs <= 0) return late
      try {
        await within(machine, leftMs, this.#produce(group), () => late)
        return null
      } catch (error) {
        if (error === late) onSilence()
        if (!isNotYet(error) || leftMs < AGAIN_MS) return error
        await new Promise<void>((resolve) => void machine.schedule(AGAIN_MS, resolve))
      }
    }
  }

  #produce(group: readonly Outgoing[]): Promise<unknown> {
    const { producer, topic, timeoutMs } = this.#parts
    const messages = group.map(({ message }) => message)
    return producer.send({ topic, messages, acks: ACKS_OF_ALL, timeout: timeoutMs })
  }
}

/** What fits into one request. */
class Room {
  readonly #partitionBytesMax: number
  readonly #byPartition = new Map<number, number>()
  #bytes = 0
  #messages = 0

  constructor(partitionBytesMax: number) {
    this.#partitionBytesMax = partitionBytesMax
  }

  /** The first always fits: it was weighed before. */
  take({ message: { partition }, bytes }: Outgoing): boolean {
    const before = this.#byPartition.get(partition) ?? 0
    const fits =
      this.#messages < REQUEST_MESSAGES_MAX &&
      this.#bytes + bytes <= REQUEST_BYTES_MAX &&
      before + bytes <= this.#partitionBytesMax
    if (!fits && this.#messages > 0) return false
    this.#byPartition.set(partition, before + bytes)
    this.#bytes += bytes
    this.#messages += 1
    return true
  }
}

function inDoubt(what: string, cause?: unknown): PublishVerdict {
  return { status: 'unknown', error: unavailable(what, cause) }
}
