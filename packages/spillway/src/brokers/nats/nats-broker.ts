// NATS with JetStream as a broker: one connection per process, one stream for the messages of all queues, one durable consumer per queue
// that all processes share.

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
import { isAtLeast, type Machine } from '../driver/index.js'
import { answered } from './answered.js'
import { asked, closed, incompatible, notOpened } from './failures.js'
import { type Line, linkWith, type NatsLink } from './link.js'
import { type Names, namesOf } from './names.js'
import type { NatsSettings } from './options.js'
import { Publisher } from './publisher.js'
import { countRefused, keepRefused } from './refused.js'
import { NatsSubscription } from './subscription.js'
import { prepareTopology } from './topology.js'

/** What the server counts as part of a message besides its body. */
const HEADER_BYTES_MAX = 8 * 1024
/** A server's default, until it was asked. */
const PAYLOAD_BYTES_MAX = 1024 * 1024
/** No message of Spillway is larger, whatever a server takes. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024
/** The first whose consumers do not wait, after a kill, for messages that are gone (nats-server#6374). */
const STEADY_VERSION = [2, 10, 25]

export class NatsBroker implements Broker {
  readonly name = 'nats'
  readonly #settings: NatsSettings
  readonly #machine: Machine
  readonly #names: Names
  readonly #link: NatsLink
  readonly #publisher: Publisher
  readonly #subscriptions = new Set<NatsSubscription>()
  #queues = new Map<string, BrokerQueue>()
  #payloadBytesMax = PAYLOAD_BYTES_MAX
  #toldOfVersion: string | null = null

  constructor(settings: NatsSettings, machine: Machine) {
    this.#settings = settings
    this.#machine = machine
    this.#names = namesOf(settings.prefix)
    this.#link = linkWith({ settings, machine, prepare: (line) => this.#prepare(line) })
    this.#publisher = new Publisher({
      ...{ link: this.#link, names: this.#names, machine, timeoutMs: settings.publishTimeoutMs },
      messageBytesMax: () => this.capabilities.messageBytesMax,
      isOpened: (queue) => this.#queues.has(queue),
    })
  }

  get capabilities(): BrokerCapabilities {
    const bytesMax = Math.min(this.#payloadBytesMax - HEADER_BYTES_MAX, MESSAGE_BYTES_MAX)
    return { ordered: true, messageBytesMax: Math.max(bytesMax, 1) }
  }

  async open(queues: readonly BrokerQueue[], telemetry?: Telemetry): Promise<void> {
    this.#queues = new Map(queues.map((queue) => [queue.name, queue]))
    await this.#link.open(telemetry ?? null)
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    return this.#publisher.publish(messages)
  }

  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    if (this.#link.isClosed) throw closed()
    const queue = this.#queues.get(request.queue)
    if (queue === undefined) throw notOpened(request.queue)
    const subscription = new NatsSubscription({
      ...{ link: this.#link, machine: this.#machine, settings: this.#settings, names: this.#names, request },
      isOrdered: queue.partitions !== null,
      refuse: (line, name, message, reason) => keepRefused(line, this.#refusal(name), message, reason),
      onClosed: (ended) => this.#subscriptions.delete(ended),
    })
    this.#subscriptions.add(subscription)
    return subscription
  }

  async state(): Promise<readonly BrokerQueueState[]> {
    const line = this.#link.lineNow()
    const names = [...this.#queues.keys()]
    return asked(async () => {
      const refused = await countRefused(line, this.#names, names)
      return Promise.all(names.map((queue) => this.#stateOf(line, queue, refused.get(queue) ?? null)))
    })
  }

  async probe(): Promise<void> {
    const line = this.#link.lineNow()
    await asked(async () => {
      await line.connection.request(`$JS.API.STREAM.INFO.${this.#names.messages}`, '', {
        timeout: this.#settings.publishTimeoutMs,
      })
    })
  }

  async close(): Promise<void> {
    await this.#publisher.settled()
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()))
    await this.#link.close()
  }

  async #prepare(line: Line): Promise<void> {
    const { version = '0', max_payload = PAYLOAD_BYTES_MAX } = line.connection.info ?? {}
    this.#payloadBytesMax = max_payload
    this.#warn(version)
    const topology = { settings: this.#settings, names: this.#names, queues: [...this.#queues.values()] }
    await asked(() => answered(this.#machine, () => prepareTopology(line, topology)))
  }

  #warn(version: string): void {
    if (isAtLeast(version, STEADY_VERSION) || this.#toldOfVersion === version) return
    this.#toldOfVersion = version
    const what =
      'after a kill of the server its consumers may stand still for 30 s or longer, and lose nothing'
    this.#link.report(incompatible(`version ${version}: ${what}. Use ${STEADY_VERSION.join('.')} or later.`))
  }

  async #stateOf(line: Line, queue: string, refused: number | null): Promise<BrokerQueueState> {
    const consumer = this.#names.consumer(queue)
    const info = await line.manager.consumers.info(this.#names.messages, consumer)
    return { queue, waiting: info.num_pending, delivered: info.num_ack_pending, refused }
  }

  #refusal(queue: string): { readonly subject: string; readonly timeoutMs: number } {
    return { subject: this.#names.refusedSubject(queue), timeoutMs: this.#settings.publishTimeoutMs }
  }
}
