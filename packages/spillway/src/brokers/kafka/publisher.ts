// Gives every message its topic and partition, and its verdict: what is too large or goes nowhere is refused by itself.

import type { Message, Producer } from 'kafkajs'
import type { OutgoingMessage, PublishVerdict } from '../../ports/index.js'
import { type Machine, UnderWay } from '../driver/index.js'
import { closed, notOpened, tooLarge } from './failures.js'
import { headersOf } from './properties.js'
import { type Outgoing, Sender } from './sender.js'
import type { OpenTopic } from './topology.js'

export interface PublisherParts {
  readonly producer: Producer
  readonly machine: Machine
  readonly timeoutMs: number
  readonly topicOf: (queue: string) => OpenTopic | undefined
  readonly bodyBytesMax: () => number
  readonly onSilence: () => void
}

/** What a batch and a message have besides their contents, generously. */
const OVERHEAD_BYTES = 256

export class Publisher {
  readonly #parts: PublisherParts
  readonly #senders = new Map<string, Sender>()
  readonly #underWay = new UnderWay()
  #turn = 0
  #isClosed = false

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    const dueAtMs = this.#dueAtMs()
    // Messages without a partition of their own stay together: one batch instead of one for each partition.
    this.#turn += 1
    return this.#underWay.add(Promise.all(this.#sent(messages, dueAtMs)))
  }

  /** Puts a message into the topic as it is; true once it is there. */
  async keep(topic: string, message: Message): Promise<boolean> {
    if (this.#isClosed) return false
    const put = this.#put(topic, { ...message, partition: 0 }, Number.MAX_SAFE_INTEGER, this.#dueAtMs())
    return (await this.#underWay.add(put)).status === 'confirmed'
  }

  /** Takes nothing more; resolves once everything under way has its verdict. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#underWay.settled()
  }

  #dueAtMs(): number {
    return this.#parts.machine.monotonic() + this.#parts.timeoutMs
  }

  #sent(messages: readonly OutgoingMessage[], dueAtMs: number): readonly Promise<PublishVerdict>[] {
    return messages.map((message) => {
      const open = this.#parts.topicOf(message.queue)
      if (this.#isClosed) return Promise.resolve({ status: 'unknown', error: closed() } as const)
      if (open === undefined)
        return Promise.resolve({ status: 'refused', error: notOpened(message.queue) } as const)
      const bytes = message.body.byteLength
      if (bytes > this.#parts.bodyBytesMax())
        return Promise.resolve({
          status: 'refused',
          error: tooLarge(bytes, this.#parts.bodyBytesMax()),
        } as const)
      const { topic, partitions, batchBytesMax } = open
      const partition = (message.partition ?? this.#turn) % partitions
      const key = message.partition === null ? null : String(message.partition)
      const value = Buffer.from(message.body.buffer, message.body.byteOffset, message.body.byteLength)
      return this.#put(topic, { key, value, partition, headers: headersOf(message) }, batchBytesMax, dueAtMs)
    })
  }

  #put(
    topic: string,
    message: Outgoing['message'],
    batchBytesMax: number,
    dueAtMs: number,
  ): Promise<PublishVerdict> {
    const bytes = bytesOf(message)
    if (bytes > batchBytesMax)
      return Promise.resolve({ status: 'refused', error: tooLarge(bytes, batchBytesMax) })
    return new Promise((settle) =>
      this.#sender(topic, batchBytesMax).send([{ message, bytes, dueAtMs, settle }]),
    )
  }

  #sender(topic: string, batchBytesMax: number): Sender {
    const { producer, machine, timeoutMs, onSilence } = this.#parts
    const sender =
      this.#senders.get(topic) ??
      new Sender({ producer, machine, topic, timeoutMs, onSilence, batchBytesMax })
    this.#senders.set(topic, sender)
    return sender
  }
}

function bytesOf({ key, value, headers = {} }: Message): number {
  let bytes = OVERHEAD_BYTES + lengthOf(key) + lengthOf(value)
  for (const [name, text] of Object.entries(headers))
    bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + lengthOf(text)
  return bytes
}

/** The lengths of a name and a value. */
const HEADER_OVERHEAD_BYTES = 10

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  return value instanceof Uint8Array ? value.byteLength : 0
}
