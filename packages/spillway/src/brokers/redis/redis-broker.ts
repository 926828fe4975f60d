// Redis Streams as a broker: one stream per queue, read by one consumer group, in which an entry stays until it is acknowledged.

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
import { asked, closed, incompatible, notOpened, replyCode } from './failures.js'
import { type Line, linkWith, type RedisLink } from './link.js'
import { GROUP, keysOf, NOBODY, type QueueKeys } from './names.js'
import type { RedisSettings } from './options.js'
import { Publisher } from './publisher.js'
import { checkVersion, dangers, readServerSettings } from './server-settings.js'
import { RedisSubscription } from './subscription.js'

/** The server takes 512 MB; nobody should make it hold such values in memory. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024
/** Consumers of processes that died are forgotten after this long without messages. */
const CONSUMER_IDLE_MS_MAX = 3_600_000
const FROM_THE_START = '0'

export class RedisBroker implements Broker {
  readonly name = 'redis'
  readonly #settings: RedisSettings
  readonly #machine: Machine
  readonly #link: RedisLink
  readonly #publisher: Publisher
  readonly #subscriptions = new Set<RedisSubscription>()
  #queues = new Map<string, { readonly queue: BrokerQueue; readonly keys: QueueKeys }>()
  #bytesMax = MESSAGE_BYTES_MAX
  /** Said once, not with every connection. */
  #told = ''

  constructor(settings: RedisSettings, machine: Machine) {
    this.#settings = settings
    this.#machine = machine
    this.#link = linkWith({ settings, machine, prepare: (line) => this.#prepare(line) })
    this.#publisher = new Publisher({
      ...{ link: this.#link, machine, settings },
      messageBytesMax: () => this.#bytesMax,
      keysOf: (queue) => this.#queues.get(queue)?.keys ?? null,
    })
  }

  get capabilities(): BrokerCapabilities {
    return { ordered: true, messageBytesMax: this.#bytesMax }
  }

  async open(queues: readonly BrokerQueue[], telemetry?: Telemetry): Promise<void> {
    this.#queues = new Map(
      queues.map((queue) => [queue.name, { queue, keys: keysOf(this.#settings.prefix, queue.name) }]),
    )
    await this.#link.open(telemetry ?? null)
  }

  publish(messages: readonly OutgoingMessage[]): Promise<readonly PublishVerdict[]> {
    return this.#publisher.publish(messages)
  }

  async subscribe(request: SubscribeRequest): Promise<Subscription> {
    if (this.#link.isClosed) throw closed()
    const opened = this.#queues.get(request.queue)
    if (opened === undefined) throw notOpened(request.queue)
    const subscription = new RedisSubscription({
      ...{ link: this.#link, machine: this.#machine, settings: this.#settings, keys: opened.keys, request },
      isOrdered: opened.queue.partitions !== null,
      onClosed: (ended) => this.#subscriptions.delete(ended),
    })
    this.#subscriptions.add(subscription)
    return subscription
  }

  async state(): Promise<readonly BrokerQueueState[]> {
    const line = this.#link.lineNow()
    return asked(() =>
      Promise.all([...this.#queues.values()].map(({ queue, keys }) => stateOf(line, queue.name, keys))),
    )
  }

  async probe(): Promise<void> {
    const line = this.#link.lineNow()
    await asked(() => line.ask((client) => client.ping()))
  }

  async close(): Promise<void> {
    await this.#publisher.settled()
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()))
    await this.#link.close()
  }

  async #prepare(line: Line): Promise<void> {
    await asked(async () => {
      const found = await readServerSettings(line)
      checkVersion(found, this.#settings)
      this.#warn(dangers(found, this.#settings))
      this.#bytesMax = Math.min(found.bulkBytesMax ?? MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX)
      await Promise.all([...this.#queues.values()].map(({ keys }) => ensureGroup(line, keys.messages)))
    })
  }

  #warn(found: readonly string[]): void {
    const text = found.join(' ')
    if (text !== '' && this.#settings.isStrict) throw incompatible(text)
    if (text !== '' && text !== this.#told) this.#link.report(incompatible(text))
    this.#told = text
  }
}

async function ensureGroup(line: Line, key: string): Promise<void> {
  // Making a group needs memory, even one that exists: a server that is full has to let its consumers come back.
  if (!(await hasGroup(line, key))) await makeGroup(line, key)
  await line.ask((client) => client.spillwaySweep(key, GROUP, CONSUMER_IDLE_MS_MAX))
}

async function hasGroup(line: Line, key: string): Promise<boolean> {
  try {
    const groups = await line.ask((client) => client.xinfo('GROUPS', key))
    return (groups as unknown[][]).some((group) => group[group.indexOf('name') + 1] === GROUP)
  } catch (error) {
    if (replyCode(error) === 'WRONGTYPE')
      throw incompatible(`key ${key} is not a stream. Remove it, or use another prefix.`)
    // There is no such key.
    if (replyCode(error) === 'ERR') return false
    throw error
  }
}

async function makeGroup(line: Line, key: string): Promise<void> {
  try {
    await line.ask((client) => client.xgroup('CREATE', key, GROUP, FROM_THE_START, 'MKSTREAM'))
  } catch (error) {
    // Somebody else was quicker.
    if (replyCode(error) !== 'BUSYGROUP') throw error
  }
}

/** What was given back, and nobody has taken yet, waits. */
async function stateOf(line: Line, queue: string, keys: QueueKeys): Promise<BrokerQueueState> {
  const [all, pending, refused] = await line.ask((client) =>
    Promise.all([
      client.xlen(keys.messages),
      client.xpending(keys.messages, GROUP),
      client.xlen(keys.refused),
    ]),
  )
  const [count, , , consumers] = pending as [number, unknown, unknown, [string, string][] | null]
  const released = Number(consumers?.find(([name]) => name === NOBODY)?.[1] ?? 0)
  const delivered = count - released
  return { queue, waiting: Math.max(0, all - delivered), delivered, refused }
}
