// The Kafka driver: one topic and one consumer group per queue.

import type { Admin, KafkaMessage, Producer } from 'kafkajs'
import { isSpillwayError, type SpillwayError } from '../../errors/index.js'
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
import { type Machine, within } from '../driver/index.js'
import { Client } from './client.js'
import { closed, notOpened, unavailable } from './failures.js'
import { type Names, namesWith } from './names.js'
import type { KafkaSettings } from './options.js'
import { REASON } from './properties.js'
import { Publisher } from './publisher.js'
import { Reader } from './reader.js'
import { stateOf } from './states.js'
import { type OpenTopic, prepareTopology } from './topology.js'
import { Trimmer } from './trimmer.js'

/** Of a message's headers and a batch's own, within what a batch may have. */
const RESERVED_BYTES = 16 * 1024
const REASON_LENGTH_MAX = 1_000
/** Making many topics takes its time, and so does a cluster that is just coming up. */
const OPEN_MS = 30_000

export class KafkaBroker implements Broker {
  readonly name = 'kafka'
  readonly #settings: KafkaSettings
  readonly #machine: Machine
  readonly #names: Names
  readonly #client: Client
  readonly #producer: Producer
  readonly #publisher: Publisher
  readonly #trimmer: Trimmer
  readonly #topics = new Map<string, OpenTopic>()
  readonly #readers = new Set<Reader>()
  #telemetry: Telemetry | null = null
  #closing: Promise<void> | null = null

  constructor(settings: KafkaSettings, machine: Machine) {
    this.#settings = settings
    this.#machine = machine
    this.#names = namesWith(settings.prefix)
    this.#client = new Client(settings)
    this.#producer = this.#client.producer()
    this.#publisher = new Publisher({
      ...{ producer: this.#producer, machine, timeoutMs: settings.publishTimeoutMs },
      topicOf: (queue) => this.#topics.get(queue),
      bodyBytesMax: () => this.#messageBytesMax(),
      onSilence: () => this.#client.drop('the broker did not answer in time'),
    })
    this.#trimmer = new Trimmer({ machine, isOn: settings.trims, run: (work) => this.#asAdmin(work) })
  }

  get capabilities(): BrokerCapabilities {
    return { ordered: true, messageBytesMax: this.#messageBytesMax() }
  }

  async open(queues: readonly BrokerQueue[], telemetry?: Telemetry): Promise<void> {
    this.#telemetry = telemetry ?? null
    const topology = { settings: this.#settings, names: this.#names, queues, telemetry: this.#telemetry }
    const topics = await this.#asAdmin((admin) => prepareTopology(admin, topology, this.#machine), OPEN_MS)
    await this.#inTime(this.#producer.connect())
    for (const [queue, topic] of topics) this.#topics.set(queue, topic)
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    return this.#publisher.publish(messages)
  }

  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    if (this.#closing !== null) throw closed()
    const open = this.#topics.get(request.queue)
    if (open === undefined) throw notOpened(request.queue)
    const { topic, group } = open
    const reader = new Reader(request, {
      ...{ settings: this.#settings, machine: this.#machine, telemetry: this.#telemetry, topic, group },
      keep: (message, reason) => this.#keep(open, message, reason),
      onCommitted: (partition, offset) => this.#trimmer.note(topic, partition, offset),
      onClosed: () => void this.#readers.delete(reader),
    })
    this.#readers.add(reader)
    await this.#inTime(reader.begin()).catch(() => {})
    return reader
  }

  state(): Promise<readonly BrokerQueueState[]> {
    return this.#asAdmin((admin) =>
      Promise.all(
        [...this.#topics].map(([queue, open]) =>
          stateOf(
            admin,
            queue,
            open,
            [...this.#readers].filter((reader) => reader.queue === queue),
          ),
        ),
      ),
    )
  }

  async probe(): Promise<void> {
    await this.#asAdmin((admin) => admin.describeCluster())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#trimmer.close()
    await Promise.all([this.#publisher.close(), ...[...this.#readers].map((reader) => reader.close())])
    await this.#inTime(this.#producer.disconnect()).catch(() => {})
    this.#client.cut()
  }

  #messageBytesMax(): number {
    const batches = [...this.#topics.values()].map(({ batchBytesMax }) => batchBytesMax)
    return Math.min(this.#settings.topicMessageBytes, ...batches) - RESERVED_BYTES
  }

  #keep({ refusedTopic }: OpenTopic, message: KafkaMessage, reason: string): Promise<boolean> {
    const { key, value, headers } = message
    const why = reason.slice(0, REASON_LENGTH_MAX).toWellFormed()
    return this.#publisher.keep(refusedTopic, { key, value, headers: { ...headers, [REASON]: why } })
  }

  /** Each time with connections of its own, which are gone afterwards: it is asked for rarely, and must not hang on a broken one. */
  async #asAdmin<Value>(
    work: (admin: Admin) => Promise<Value>,
    ms = this.#settings.requestTimeoutMs,
  ): Promise<Value> {
    if (this.#closing !== null) throw closed()
    const client = new Client(this.#settings)
    const admin = client.kafka.admin()
    try {
      return await this.#inTime(
        admin.connect().then(() => work(admin)),
        ms,
      )
    } finally {
      void admin
        .disconnect()
        .catch(() => {})
        .finally(() => client.cut())
    }
  }

  async #inTime<Value>(work: Promise<Value>, ms = this.#settings.requestTimeoutMs): Promise<Value> {
    const late = (): SpillwayError => unavailable('the cluster did not answer in time')
    try {
      return await within(this.#machine, ms, work, late)
    } catch (error) {
      throw isSpillwayError(error) ? error : unavailable('the cluster cannot be used', error)
    }
  }
}
