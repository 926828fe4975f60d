// A corner of a real cluster for one test: topics of a prefix of their own, and looks at them that are not the driver's.

import { type Admin, type AdminConfig, Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import type { PrivateServer } from 'spillway-test-bed'
import { type KafkaOptions, kafka } from '../../src/brokers/kafka/index.js'
import { namesWith } from '../../src/brokers/kafka/names.js'
import type { Duration } from '../../src/config/index.js'
import type { Broker } from '../../src/ports/index.js'
import type {
  BrokerUnderTest,
  ConnectOptions,
  RefusedMessage,
} from '../../src/testing/broker-contract/index.js'

/** At a topic that is being removed. */
const LOOKS_MAX = 500
const HASTY: KafkaOptions = { publishTimeout: '700ms', requestTimeout: '2s', connectTimeout: '2s' }
/** The client asks for ten seconds whether a topic that is gone is not there after all. */
const NO_RETRY: AdminConfig = { retry: { retries: 0 } }

export class Cluster implements BrokerUnderTest {
  readonly names: ReturnType<typeof namesWith>
  readonly client: Kafka
  readonly #server: PrivateServer
  readonly #prefix: string
  readonly #session: Duration

  /** `session`: how soon a consumer that says nothing loses what it has. */
  constructor(server: PrivateServer, prefix: string, session: Duration) {
    this.#server = server
    this.#prefix = prefix
    this.#session = session
    this.names = namesWith(prefix)
    const brokers = [`127.0.0.1:${server.port}`]
    this.client = new Kafka({ clientId: 'test', brokers, logLevel: logLevel.NOTHING })
  }

  connect({ proxy, isHasty = false }: ConnectOptions = {}, options: KafkaOptions = {}): Broker {
    const reach = proxy === undefined ? {} : { reach: () => ({ host: '127.0.0.1', port: proxy.port }) }
    return this.#on(this.#server.url, { ...reach, ...(isHasty ? HASTY : {}), ...options })
  }

  connectNowhere(): Broker {
    return this.#on('kafka://user:secret@127.0.0.1:1')
  }

  spoil(queue: string): Promise<void> {
    return this.admin(async (admin) => {
      const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
      await admin.createTopics({ topics: [{ topic: this.names.topic(queue), configEntries }] })
    })
  }

  /** Until the last broker has heard of it, the topic takes messages that are lost with it. */
  async remove(queue: string): Promise<void> {
    const topic = this.names.topic(queue)
    await this.admin((admin) => admin.deleteTopics({ topics: [topic] }))
    for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
      const isGone = await this.admin((admin) => admin.fetchTopicOffsets(topic), NO_RETRY).then(
        () => false,
        (error: unknown) => typeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION',
      )
      if (isGone) return
    }
    throw new Error(`topic ${topic} is still there`)
  }

  async refused(queue: string): Promise<readonly RefusedMessage[]> {
    return (await this.contents(this.names.refused(queue))).map(({ headers = {}, value }) => ({
      id: headers['spillway-id']?.toString() ?? null,
      reason: headers['spillway-reason']?.toString() ?? null,
      body: value ?? new Uint8Array(),
    }))
  }

  /** Everything a topic holds. */
  async contents(topic: string): Promise<readonly KafkaMessage[]> {
    const offsets = await this.admin((admin) => admin.fetchTopicOffsets(topic))
    const count = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
    const found: KafkaMessage[] = []
    if (count === 0) return found
    const consumer = this.client.consumer({ groupId: `looking-at-${topic}`, maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: KafkaMessage }): Promise<void> => {
        found.push(message)
        if (found.length === count) resolve()
      }
      consumer.run({ autoCommit: false, eachMessage }).catch(reject)
    })
    await consumer.disconnect()
    return found
  }

  async admin<Value>(work: (admin: Admin) => Promise<Value>, config: AdminConfig = {}): Promise<Value> {
    const admin = this.client.admin(config)
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }

  /** A server that was killed looks through every topic it has when it comes back. */
  dispose(): Promise<void> {
    return this.admin(async (admin) => {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(this.#prefix))
      if (topics.length > 0) await admin.deleteTopics({ topics })
    })
  }

  #on(url: string, options: KafkaOptions = {}): Broker {
    return kafka(url, {
      ...{ prefix: this.#prefix, partitions: 4, messageBytes: '2mb', publishTimeout: '6s' },
      ...{ fetchWait: 20, session: this.#session, connectTimeout: '20s', reconnectDelay: 50, ...options },
    }).broker
  }
}

/** As the protocol calls what went wrong; the client wraps it when it gives up. */
function typeOf(error: unknown): unknown {
  const { type, cause } = error as { type?: unknown; cause?: { type?: unknown } }
  return type ?? cause?.type
}
