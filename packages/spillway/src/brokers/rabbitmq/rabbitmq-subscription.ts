// A subscription outlives connections: each one that is made begins a flow of deliveries, and a flow that ends alone begins again.

import type { ChannelModel } from 'amqplib'
import { backoffMs } from '../../domain/index.js'
import type { Cancel, Subscription } from '../../ports/index.js'
import type { LinkListener } from '../driver/index.js'
import { unavailable } from './failures.js'
import { Flow, type FlowParts } from './flow.js'
import type { RabbitMqLink } from './link.js'
import { onChannel } from './topology.js'

export interface SubscriptionParts extends Omit<FlowParts, 'onEnd' | 'report'> {
  readonly link: RabbitMqLink
  /** Makes sure of the queues: one that was removed ends a flow. */
  readonly prepare: (model: ChannelModel) => Promise<void>
  readonly onClosed: (subscription: RabbitMqSubscription) => void
}

/** Between two looks at whether the server still knows its consumers. */
const WATCH_EVERY_MS = 30_000
const AGAIN = { type: 'exponential', jitter: 'full', delayMs: 100, maxMs: 5_000 } as const

export class RabbitMqSubscription implements Subscription, LinkListener<ChannelModel> {
  readonly #parts: SubscriptionParts
  readonly #stopListening: Cancel
  #flow: Flow | null = null
  #beginning: Promise<void> | null = null
  #closing: Promise<void> | null = null
  #failures = 0
  #cancelAgain: Cancel = () => {}
  #cancelWatch: Cancel = () => {}

  constructor(parts: SubscriptionParts) {
    this.#parts = parts
    this.#stopListening = parts.link.listen(this)
  }

  /** Resolves once the first flow has begun, if there is a connection. */
  async begun(): Promise<void> {
    await this.#beginning
  }

  /** The queue was made again: servers forget to tell the consumers of the one before. */
  restart(): void {
    const { line: model } = this.#parts.link
    if (model !== null && this.#flow !== null) this.#again(model, 'the queue was removed')
  }

  begin(model: ChannelModel): void {
    this.#cancelTimers()
    this.#failures = 0
    this.#beginning = this.#begin(model)
  }

  end(): void {
    this.#cancelTimers()
    this.#flow?.end()
    this.#flow = null
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { link, onClosed } = this.#parts
    this.#stopListening()
    this.#cancelTimers()
    await this.#beginning
    const { line: model } = link
    try {
      await this.#flow?.close()
    } catch (error) {
      // A channel that does not close keeps its messages; its connection does not.
      if (model !== null) link.drop(model, error)
    }
    this.#flow = null
    onClosed(this)
  }

  async #begin(model: ChannelModel): Promise<void> {
    const { link } = this.#parts
    try {
      const flow = await Flow.begin(model, {
        ...this.#parts,
        report: (error) => link.report(error),
        onEnd: (why) => this.#again(model, why),
      })
      if (link.line !== model) return
      this.#flow = flow
      this.#failures = 0
      this.#watch(model)
    } catch (error) {
      this.#again(model, error)
    }
  }

  /** The connection is there and the flow is not. */
  #again(model: ChannelModel, why: unknown): void {
    const { link, machine, prepare, queue } = this.#parts
    this.#cancelTimers()
    this.#flow?.abandon()
    this.#flow = null
    if (link.line !== model || this.#closing !== null) return
    if (this.#failures === 0) link.report(unavailable(`deliveries of ${queue} ended and begin again`, why))
    this.#failures += 1
    this.#cancelAgain = machine.schedule(backoffMs(AGAIN, this.#failures, machine.random()), () => {
      this.#beginning = prepare(model).then(
        () => this.#begin(model),
        (error: unknown) => this.#again(model, error),
      )
    })
  }

  /** A queue without any consumer has not this one either. */
  #watch(model: ChannelModel): void {
    const { machine, inTime, queue } = this.#parts
    this.#cancelWatch = machine.schedule(WATCH_EVERY_MS, () => {
      inTime(onChannel(model, (channel) => channel.checkQueue(queue))).then(
        ({ consumerCount }) => {
          if (this.#flow === null) return
          if (consumerCount > 0) this.#watch(model)
          else this.#again(model, 'the server does not know the consumer any more')
        },
        (error: unknown) => this.#again(model, error),
      )
    })
  }

  #cancelTimers(): void {
    this.#cancelAgain()
    this.#cancelWatch()
  }
}
