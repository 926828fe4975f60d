// The deliveries of one subscription on one channel, from the first until the channel is gone. The next channel is another flow: what
// came by this one cannot be acknowledged there.

import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { Delivery, PublishVerdict, SubscribeRequest } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import { Acknowledgements } from './acknowledgements.js'
import { closingOf } from './closing.js'
import { propertiesOf } from './properties.js'
import type { Within } from './within.js'

export interface FlowParts {
  /** As the server calls it. */
  readonly queue: string
  readonly request: SubscribeRequest
  readonly machine: Machine
  readonly inTime: Within
  /** Keeps a copy of what nobody can read. */
  readonly keepRefused: (message: ConsumeMessage, reason: string) => Promise<PublishVerdict>
  readonly onEnd: (why: unknown) => void
  readonly report: (error: unknown) => void
}

/** The protocol has two bytes for it. */
const CREDIT_MAX = 65_535

export class Flow {
  readonly #parts: FlowParts
  readonly #channel: Channel
  readonly #acknowledgements: Acknowledgements
  readonly #refusing = new Set<Promise<void>>()
  #isOver = false

  static async begin(model: ChannelModel, parts: FlowParts): Promise<Flow> {
    const { queue, request, inTime } = parts
    const channel = await inTime(model.createChannel())
    const flow = new Flow(channel, parts)
    try {
      await inTime(channel.prefetch(Math.min(request.credit, CREDIT_MAX)))
      await inTime(channel.consume(queue, (message) => flow.#receive(message)))
      return flow
    } catch (error) {
      flow.abandon()
      throw error
    }
  }

  private constructor(channel: Channel, parts: FlowParts) {
    this.#parts = parts
    this.#channel = channel
    this.#acknowledgements = new Acknowledgements(channel, parts.machine)
    let failure: unknown = 'the channel was closed'
    channel.on('error', (error) => {
      failure = error
    })
    channel.on('close', () => this.#gone(failure))
  }

  /** Nothing more is delivered, and what is in hand is delivered to others once this resolves. */
  async close(): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    await Promise.all(this.#refusing)
    this.#acknowledgements.flush()
    this.#acknowledgements.end()
    // Not cancelled before: of an ordered queue the next consumer would begin behind what is in hand here.
    await this.#parts.inTime(closingOf(this.#channel))
  }

  /** The connection is gone. */
  end(): void {
    this.#isOver = true
    this.#acknowledgements.end()
  }

  /** The channel is of no use any more. */
  abandon(): void {
    if (this.#isOver) return
    this.end()
    void closingOf(this.#channel)
  }

  #gone(why: unknown): void {
    if (this.#isOver) return
    this.end()
    this.#parts.onEnd(why)
  }

  #receive(message: ConsumeMessage | null): void {
    if (this.#isOver) return
    if (message === null) {
      this.abandon()
      this.#parts.onEnd('the queue was removed')
      return
    }
    this.#acknowledgements.hold(message.fields.deliveryTag)
    try {
      this.#parts.request.onDelivery(this.#deliveryOf(message))
    } catch (error) {
      this.#parts.report(error)
    }
  }

  #deliveryOf(message: ConsumeMessage): Delivery {
    const { deliveryTag, redelivered } = message.fields
    let isEnded = false
    const once = (end: () => void) => () => {
      if (isEnded) return
      isEnded = true
      end()
    }
    return {
      ...propertiesOf(message.properties),
      ...{ body: message.content, redelivered },
      ack: once(() => this.#acknowledgements.ack(deliveryTag)),
      release: once(() => this.#acknowledgements.release(deliveryTag)),
      refuse: (reason) => once(() => this.#refuse(message, reason))(),
    }
  }

  /** The copy is safe before the message goes; if it cannot be had, the message is delivered again. */
  #refuse(message: ConsumeMessage, reason: string): void {
    if (this.#isOver) return
    const { deliveryTag } = message.fields
    const kept = this.#parts.keepRefused(message, reason).then((verdict) => {
      if (verdict.status === 'confirmed') return this.#acknowledgements.ack(deliveryTag)
      this.#parts.report(verdict.error)
      this.#acknowledgements.release(deliveryTag)
    })
    this.#refusing.add(kept)
    void kept.finally(() => this.#refusing.delete(kept))
  }
}
