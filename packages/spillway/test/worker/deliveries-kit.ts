// Worker processes whose queue comes from a broker: one server, one store, a connection per process, all on virtual time.

import { Publisher } from '../../src/channels/publisher.js'
import { type AnyCommand, brokerChannel, type QueueOptions } from '../../src/config/index.js'
import {
  type ChunkDraft,
  ENVELOPE_CONTENT_TYPE,
  encodeBody,
  encodeEnvelope,
  fingerprint,
} from '../../src/domain/index.js'
import { prepare } from '../../src/intake/prepare.js'
import type { Broker, OutgoingMessage } from '../../src/ports/index.js'
import {
  MemoryBroker,
  type MemoryBrokerEvent,
  type MemoryBrokerOptions,
  MemoryBrokerServer,
} from '../../src/testing/memory-broker/index.js'
import type { ForeignCommands } from '../../src/worker/index.js'
import {
  Bench,
  command,
  type Process,
  type ProcessOptions,
  type QueueSetup,
  type TestCommand,
} from './worker-kit.js'

export interface DeliveriesSetup extends Omit<QueueSetup, 'queue'> {
  readonly credit?: number
  readonly queue?: Omit<QueueOptions, 'channel'>
  readonly server?: Omit<MemoryBrokerOptions, 'clock' | 'onEvent'>
  /** Hears of what the server does when it does it. */
  readonly onBrokerEvent?: (event: MemoryBrokerEvent) => void
  /** What stands between publishers and the broker. */
  readonly publishBy?: (broker: Broker) => Pick<Broker, 'name' | 'publish'>
}

export interface ConsumerProcess extends Process {
  readonly broker: MemoryBroker
  readonly opened: Promise<void>
}

const TEXT = new TextEncoder()

export class DeliveriesBench {
  readonly bench: Bench
  readonly server: MemoryBrokerServer
  /** What the server did, in order. */
  readonly log: MemoryBrokerEvent[] = []
  readonly #credit: number
  readonly #connection: MemoryBroker
  readonly #publisher: Publisher
  readonly #opened: Promise<void>
  #chunks = 0

  constructor(
    commands: readonly AnyCommand[],
    { credit = 64, queue = {}, server = {}, onBrokerEvent, publishBy, ...setup }: DeliveriesSetup = {},
  ) {
    this.#credit = credit
    this.bench = new Bench(commands, { ...setup, queue })
    this.server = new MemoryBrokerServer({
      ...server,
      clock: this.bench.clock,
      onEvent: (event) => {
        this.log.push(event)
        onBrokerEvent?.(event)
      },
    })
    this.#connection = new MemoryBroker(this.server)
    const broker = publishBy?.(this.#connection) ?? this.#connection
    this.#publisher = new Publisher({ broker, clock: this.bench.clock })
    this.#opened = this.#open(this.#connection)
  }

  get clock(): Bench['clock'] {
    return this.bench.clock
  }

  /** A worker process with a connection of its own. */
  process(options: ProcessOptions = {}): ConsumerProcess {
    const broker = new MemoryBroker(this.server)
    const opened = this.#open(broker)
    const channel = brokerChannel(broker, { credit: this.#credit }, 'memory')
    const queues = [...this.bench.queues.values()].map((queue) => ({ ...queue, channel }))
    return {
      ...this.bench.process({ foreignCommands: this.foreignCommands, ...options, queues }),
      ...{ broker, opened },
    }
  }

  /** As often as it takes. */
  async #open(broker: MemoryBroker): Promise<void> {
    for (;;) {
      const error = await broker.open([this.#brokerQueue]).catch((cause: unknown) => cause)
      if (error === undefined) return
      await this.clock.sleep(200)
    }
  }

  /** A started one. */
  start(options: ProcessOptions = {}): ConsumerProcess {
    const process = this.process(options)
    void process.opened.then(() => process.worker.start())
    return process
  }

  get foreignCommands(): ForeignCommands {
    return {
      newChunkId: () => this.newChunkId(),
      prepare: (type, payload, options) =>
        prepare(
          {
            definition: this.bench.definitions.get(type) as AnyCommand,
            partitions: this.#brokerQueue.partitions,
            now: () => this.clock.now(),
          },
          payload,
          options,
        ),
    }
  }

  newChunkId(): string {
    this.#chunks += 1
    return this.#chunks.toString(16).padStart(32, '01')
  }

  draft(type: string, payloads: readonly unknown[], over: Partial<ChunkDraft> = {}): ChunkDraft {
    return {
      ...{ id: this.newChunkId(), queue: 'default', type, priority: 0, partition: null, codec: 'json' },
      body: encodeBody(payloads.map((payload) => JSON.stringify(payload))),
      ...{ size: payloads.length, keys: null, parked: null, tenant: null },
      ...over,
    }
  }

  /** Publishes a chunk; returns the ids of its commands. */
  publish(type: string, payloads: readonly unknown[], over: Partial<ChunkDraft> = {}): string[] {
    return this.publishDraft(this.draft(type, payloads, over))
  }

  publishDraft(draft: ChunkDraft): string[] {
    const { id, size } = draft
    void this.confirmed(draft)
    return Array.from({ length: size }, (_, index) => `${id}-${index}`)
  }

  /** Publishes a chunk until the broker has confirmed or refused it; resolves to which. */
  confirmed(draft: ChunkDraft): Promise<boolean> {
    const { id, partition } = draft
    const body = TEXT.encode(encodeEnvelope(draft))
    return this.#publish({ id, queue: 'default', partition, contentType: ENVELOPE_CONTENT_TYPE, body })
  }

  /** Publishes any message. */
  send(message: Partial<Omit<OutgoingMessage, 'body'>> & { readonly body: string | Uint8Array }): void {
    const body = typeof message.body === 'string' ? TEXT.encode(message.body) : message.body
    const outgoing = { queue: 'default', partition: null, contentType: 'application/json', ...message, body }
    void this.#publish({ ...outgoing, id: message.id ?? this.newChunkId() })
  }

  /** As a channel does, and a caller who submits again: the same message until the broker has said something. */
  async #publish(message: OutgoingMessage): Promise<boolean> {
    await this.#opened
    for (;;) {
      const [error] = await this.#publisher.publish([message])
      if (error === null) return true
      if (error?.code !== 'broker_unavailable') return false
      await this.clock.sleep(200)
    }
  }

  /** Ids of messages by what the server did with them. */
  messages(what: MemoryBrokerEvent['what']): string[] {
    return this.log.filter((event) => event.what === what).map(({ id }) => id)
  }

  get #brokerQueue() {
    return { name: 'default', partitions: this.bench.queues.get('default')?.partitions ?? null }
  }
}

export function key(name: string, payload: unknown): NonNullable<ChunkDraft['keys']>[number] {
  return { key: name, fingerprint: fingerprint(JSON.stringify(payload)), windowMs: 3_600_000 }
}

/** Consumers of one command, `a`, that notes what it was given. */
export function recordingConsumers(setup: DeliveriesSetup = {}, over: Omit<TestCommand, 'name'> = {}) {
  const executed: unknown[] = []
  const definition = command({
    name: 'a',
    retry: { attempts: 3, backoff: { delay: 1_000, jitter: 'none' } },
    handleBatch: (payloads: unknown[]) => void executed.push(...payloads),
    ...over,
  })
  return { consumers: new DeliveriesBench([definition], setup), executed }
}
