// RabbitMQ as a broker: one queue on the server per queue, one connection that consumes and asks, and one that publishes.

import type { ChannelModel } from 'amqplib'
import { CHUNK_BYTES_MAX } from '../../domain/index.js'
import type {
  Broker,
  BrokerCapabilities,
  BrokerQueue,
  BrokerQueueState,
  OutgoingMessage,
  PublishVerdict,
  SubscribeRequest,
  Subscription,
  Telemetry,
} from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import { closed, notOpened, unavailable } from './failures.js'
import { linkWith, type RabbitMqLink } from './link.js'
import { type Names, namesOf } from './names.js'
import type { RabbitMqSettings } from './options.js'
import { refusedOptions } from './properties.js'
import { Publisher } from './publisher.js'
import { RabbitMqSubscription } from './rabbitmq-subscription.js'
import { onChannel, prepareTopology } from './topology.js'
import { type Within, within } from './within.js'

/** A chunk and what is written around it. Servers take 128 MiB by default, and lose their breath long before. */
const MESSAGE_BYTES_MAX = 2 * CHUNK_BYTES_MAX
/** Characters of the reason that is kept with a refused message. */
const REASON_LENGTH_MAX = 1_000

export class RabbitMqBroker implements Broker {
  readonly name = 'rabbitmq'
  readonly capabilities: BrokerCapabilities = { ordered: true, messageBytesMax: MESSAGE_BYTES_MAX }
  readonly #machine: Machine
  readonly #names: Names
  readonly #inTime: Within
  readonly #asking: RabbitMqLink
  readonly #publishing: RabbitMqLink
  readonly #publisher: Publisher
  readonly #subscriptions = new Set<RabbitMqSubscription>()
  #queues = new Map<string, BrokerQueue>()
  #telemetry: Telemetry | null = null
  #repairing: Promise<void> | null = null
  #closing: Promise<void> | null = null

  constructor(settings: RabbitMqSettings, machine: Machine) {
    this.#machine = machine
    this.#names = namesOf(settings.prefix)
    this.#inTime = within(machine, settings.connectTimeoutMs)
    this.#asking = linkWith({
      ...{ name: 'consumer', settings, machine, prepare: (model) => this.#prepare(model) },
    })
    this.#publishing = linkWith({ name: 'publisher', settings, machine })
    this.#publisher = new Publisher({
      ...{ link: this.#publishing, machine, names: this.#names, timeoutMs: settings.publishTimeoutMs },
      messageBytesMax: MESSAGE_BYTES_MAX,
      isOpened: (queue) => this.#queues.has(queue),
      onMissing: () => this.#repair(),
    })
  }

  async open(queues: readonly BrokerQueue[], telemetry?: Telemetry): Promise<void> {
    this.#queues = new Map(queues.map((queue) => [queue.name, queue]))
    this.#telemetry = telemetry ?? null
    await this.#asking.open(this.#telemetry)
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    if (this.#queues.size > 0) this.#publishing.start(this.#telemetry)
    return this.#publisher.publish(messages)
  }

  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    if (this.#asking.isClosed) throw closed()
    if (!this.#queues.has(request.queue)) throw notOpened(request.queue)
    const subscription = new RabbitMqSubscription({
      ...{ link: this.#asking, machine: this.#machine, inTime: this.#inTime, request },
      queue: this.#names.queue(request.queue),
      prepare: (model) => this.#prepare(model),
      keepRefused: ({ content, properties }, reason) => {
        this.#publishing.start(this.#telemetry)
        return this.#publisher.publishTo({
          queue: this.#names.refused(request.queue),
          id: typeof properties.messageId === 'string' ? properties.messageId : null,
          body: content,
          options: refusedOptions(properties, reason.slice(0, REASON_LENGTH_MAX)),
        })
      },
      onClosed: (ended) => this.#subscriptions.delete(ended),
    })
    this.#subscriptions.add(subscription)
    await subscription.begun()
    return subscription
  }

  state(): Promise<readonly BrokerQueueState[]> {
    return this.#ask((model) =>
      onChannel(model, async (channel) => {
        const count = async (queue: string): Promise<number> => (await channel.checkQueue(queue)).messageCount
        const states: BrokerQueueState[] = []
        for (const queue of this.#queues.keys()) {
          const waiting = await count(this.#names.queue(queue))
          states.push({ queue, waiting, delivered: null, refused: await count(this.#names.refused(queue)) })
        }
        return states
      }),
    )
  }

  async probe(): Promise<void> {
    await this.#ask((model) => onChannel(model, async () => {}))
    if (this.#publisher.isBlocked)
      throw unavailable('the server is short of memory or disk and takes nothing at the moment')
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()))
    await this.#publisher.close()
    await Promise.all([this.#asking.close(), this.#publishing.close()])
  }

  #prepare(model: ChannelModel): Promise<void> {
    const queues = [...this.#queues.values()]
    return prepareTopology(model, { names: this.#names, queues, inTime: this.#inTime })
  }

  /** Declares the queues again of which one is missing. */
  #repair(): void {
    const { line: model } = this.#asking
    if (model === null || this.#repairing !== null) return
    this.#repairing = this.#prepare(model)
      .then(() => {
        for (const subscription of this.#subscriptions) subscription.restart()
      })
      .catch((error: unknown) => this.#asking.report(error))
      .finally(() => {
        this.#repairing = null
      })
  }

  async #ask<Answer>(question: (model: ChannelModel) => Promise<Answer>): Promise<Answer> {
    const model = this.#asking.lineNow()
    try {
      return await this.#inTime(question(model))
    } catch (error) {
      throw unavailable('the server did not do what it was asked', error)
    }
  }
}
