// The write patterns as values: what a queue's `channel` may be. They are data; the composition root builds the channel.

import { fileURLToPath } from 'node:url'
import { INTAKE_BYTES_MAX, INTAKE_ITEMS_MAX } from '../domain/index.js'
import type { Broker } from '../ports/index.js'
import { configError, type Duration, durationMs, type Size, sizeBytes } from './duration.js'
import { rejectUnknown } from './known-options.js'

/** What a full queue does with the next command: the policies of a Java ThreadPoolExecutor, and `spill` to the store. */
export type WhenFull = 'abort' | 'callerRuns' | 'block' | 'discardOldest' | 'spill'

export interface DirectSpec {
  readonly kind: 'direct'
}
export interface StoreSpec {
  readonly kind: 'store'
  /** Commands and bytes that may wait for their commit. */
  readonly maxItems: number
  readonly maxBytes: number
  readonly whenFull: 'abort' | 'block'
  readonly blockTimeoutMs: number
}
export interface PoolSpec {
  readonly kind: 'pool'
  /** Executions at once while the queue has room, and at most once it is full. */
  readonly coreSize: number
  readonly maxSize: number
  readonly queueCapacity: number
  readonly maxBytes: number
  readonly whenFull: WhenFull
  readonly blockTimeoutMs: number
  /** Module whose exports run the commands on worker threads; null = in this thread. */
  readonly threads: string | null
}
export interface BufferSpec {
  readonly kind: 'buffer'
  /** Flush when this many commands, this many bytes or this much time gathered. */
  readonly flushSize: number
  readonly flushBytes: number
  readonly flushEveryMs: number
  readonly maxItems: number
  readonly maxBytes: number
  readonly whenFull: WhenFull
  readonly blockTimeoutMs: number
}
/** What waits for a durable channel outside of the store, and what a full one does. */
export interface GatherSpec {
  /** Commands and bytes that may wait for their chunk to be safe. */
  readonly maxItems: number
  readonly maxBytes: number
  readonly whenFull: 'abort' | 'block'
  readonly blockTimeoutMs: number
}
export interface BrokerSpec extends GatherSpec {
  readonly kind: 'broker'
  /** One value may serve several queues: they share its connections. */
  readonly broker: Broker
  /** A message is a chunk, or one command as a CloudEvent. */
  readonly envelope: 'chunk' | 'cloudevents'
  /** Publishes at once of one process. */
  readonly publishesMax: number
  /** Messages in a worker's hands at most. */
  readonly credit: number
}
export interface JournalSpec extends GatherSpec {
  readonly kind: 'journal'
  /** The spool folder, as given: relative to the process's working directory. Any number of processes share it. */
  readonly folder: string
  /** When a command counts as received: once the operating system has it, or once the disk has. */
  readonly level: 'written' | 'synced'
  /** Bytes of all segments of this process's writer, and of the disk that stay free. */
  readonly maxJournalBytes: number
  readonly minFreeBytes: number
  /** Where the agent takes its chunks. */
  readonly to: 'store' | Broker
  /** With `to` a broker: messages in a worker's hands at most. */
  readonly credit: number
}
export type ChannelSpec = DirectSpec | StoreSpec | PoolSpec | BufferSpec | BrokerSpec | JournalSpec

const BLOCK_TIMEOUT_MS = 5_000
const WHEN_FULL: readonly WhenFull[] = ['abort', 'callerRuns', 'block', 'discardOldest', 'spill']

/** Runs the handler before submit resolves. A baseline, and for tests. */
export function direct(): DirectSpec {
  return { kind: 'direct' }
}

/** The default: submit resolves once the command's chunk is committed in the store. */
export function store(
  options: { maxItems?: number; maxBytes?: Size; whenFull?: 'abort' | 'block'; blockTimeout?: Duration } = {},
): StoreSpec {
  return {
    kind: 'store',
    maxItems: count(options.maxItems ?? INTAKE_ITEMS_MAX, 'store.maxItems'),
    maxBytes: sizeBytes(options.maxBytes ?? INTAKE_BYTES_MAX, 'store.maxBytes'),
    whenFull: oneOf(options.whenFull ?? 'abort', ['abort', 'block'] as const, 'store.whenFull'),
    blockTimeoutMs: durationMs(options.blockTimeout ?? BLOCK_TIMEOUT_MS, 'store.blockTimeout'),
  }
}

export interface PoolOptions {
  coreSize?: number
  maxSize?: number
  queueCapacity?: number
  maxBytes?: Size
  whenFull?: WhenFull
  blockTimeout?: Duration
  /** Path or file URL of a module; its export named like the command (or `default`) runs on worker threads. */
  threads?: string | URL
}

/** A bounded pool in this process's memory, with the semantics of a Java ThreadPoolExecutor. Lost if the process dies. */
export function pool(options: PoolOptions = {}): PoolSpec {
  const coreSize = count(options.coreSize ?? 4, 'pool.coreSize')
  const maxSize = count(options.maxSize ?? Math.max(coreSize, 16), 'pool.maxSize')
  if (maxSize < coreSize) throw configError('pool.maxSize', `at least pool.coreSize (${coreSize})`, maxSize)
  return {
    kind: 'pool',
    coreSize,
    maxSize,
    queueCapacity: count(options.queueCapacity ?? 1_000, 'pool.queueCapacity', 0),
    maxBytes: sizeBytes(options.maxBytes ?? INTAKE_BYTES_MAX, 'pool.maxBytes'),
    whenFull: oneOf(options.whenFull ?? 'abort', WHEN_FULL, 'pool.whenFull'),
    blockTimeoutMs: durationMs(options.blockTimeout ?? BLOCK_TIMEOUT_MS, 'pool.blockTimeout'),
    threads: options.threads === undefined ? null : String(options.threads),
  }
}

export interface BufferOptions {
  flush?: { size?: number; bytes?: Size; every?: Duration }
  maxItems?: number
  maxBytes?: Size
  whenFull?: WhenFull
  blockTimeout?: Duration
}

/** Gathers in memory and executes in bulk by size, bytes or time. At most what was not flushed is lost if the process dies. */
export function buffer(options: BufferOptions = {}): BufferSpec {
  return {
    kind: 'buffer',
    flushSize: count(options.flush?.size ?? 1_000, 'buffer.flush.size'),
    flushBytes: sizeBytes(options.flush?.bytes ?? 1024 * 1024, 'buffer.flush.bytes'),
    flushEveryMs: durationMs(options.flush?.every ?? 1_000, 'buffer.flush.every'),
    maxItems: count(options.maxItems ?? INTAKE_ITEMS_MAX, 'buffer.maxItems'),
    maxBytes: sizeBytes(options.maxBytes ?? INTAKE_BYTES_MAX, 'buffer.maxBytes'),
    whenFull: oneOf(options.whenFull ?? 'abort', WHEN_FULL, 'buffer.whenFull'),
    blockTimeoutMs: durationMs(options.blockTimeout ?? BLOCK_TIMEOUT_MS, 'buffer.blockTimeout'),
  }
}

export interface GatherOptions {
  /** Commands and bytes that may wait for their chunk to be safe. Default 100,000 and 64 MiB. */
  maxItems?: number
  maxBytes?: Size
  /** Default 'block' for the journal, 'abort' for brokers. */
  whenFull?: 'abort' | 'block'
  /** Default 5 s. */
  blockTimeout?: Duration
}

export interface BrokerChannelOptions extends GatherOptions {
  /** Default 'chunk'. 'cloudevents' for services in other languages: one CloudEvents 1.0 message per command. */
  envelope?: 'chunk' | 'cloudevents'
  /** Publishes at once. Default 4. */
  publishesMax?: number
  /** Messages in a worker's hands at most. Default 64 (1,000 with 'cloudevents'). */
  credit?: number
}

/** How a queue uses a broker; the packages of the brokers call this. */
export function brokerChannel(broker: Broker, options: BrokerChannelOptions, path: string): BrokerSpec {
  const envelope = oneOf(options.envelope ?? 'chunk', ['chunk', 'cloudevents'] as const, `${path}.envelope`)
  return {
    kind: 'broker',
    broker,
    envelope,
    publishesMax: count(options.publishesMax ?? 4, `${path}.publishesMax`),
    credit: count(options.credit ?? CREDIT[envelope], `${path}.credit`),
    ...gather(options, 'abort', path),
  }
}

export interface JournalChannelOptions extends Omit<GatherOptions, 'maxBytes'> {
  /** Default 'synced'. */
  level?: 'written' | 'synced'
  /** Bytes that this process's part of the journal may hold on disk. Default 10 GB. */
  maxBytes?: Size
  /** Bytes of the disk that stay free. Default 256 MB. */
  minFreeBytes?: Size
  /** Bytes that may wait in memory. Default 64 MiB. */
  maxWaitingBytes?: Size
  /** Where `spillway agent` takes the commands: the store (default), or a broker such as `rabbitmq(url)`. */
  to?: 'store' | BrokerSpec
}

/** Submit resolves once the command is in a local file; `spillway agent` takes it from there. Needs neither store nor broker to be up. */
export function journal(folder: string | URL, options: JournalChannelOptions = {}): JournalSpec {
  const path = 'journal'
  const place = folder instanceof URL ? fileURLToPath(folder) : folder
  if (typeof place !== 'string' || place === '')
    throw configError(`${path}.folder`, 'the path of a folder', folder)
  rejectUnknown(options, JOURNAL_OPTIONS, `${path}.`)
  const { to = 'store' } = options
  if (to !== 'store' && (typeof to !== 'object' || to.kind !== 'broker'))
    throw configError(`${path}.to`, "'store' or a broker such as rabbitmq(url)", to)
  const { maxBytes, maxWaitingBytes, ...waiting } = options
  return {
    kind: 'journal',
    folder: place,
    level: oneOf(options.level ?? 'synced', ['written', 'synced'] as const, `${path}.level`),
    maxJournalBytes: sizeBytes(maxBytes ?? '10gb', `${path}.maxBytes`),
    minFreeBytes: sizeBytes(options.minFreeBytes ?? '256mb', `${path}.minFreeBytes`),
    to: to === 'store' ? to : to.broker,
    credit: to === 'store' ? CREDIT.chunk : to.credit,
    ...gather(
      { ...waiting, ...(maxWaitingBytes === undefined ? {} : { maxBytes: maxWaitingBytes }) },
      'block',
      path,
    ),
  }
}

const JOURNAL_OPTIONS: readonly string[] = [
  ...['level', 'maxBytes', 'minFreeBytes', 'maxWaitingBytes', 'to', 'maxItems', 'whenFull', 'blockTimeout'],
]

const CREDIT = { chunk: 64, cloudevents: 1_000 }

function gather(options: GatherOptions, whenFull: GatherSpec['whenFull'], path: string): GatherSpec {
  return {
    maxItems: count(options.maxItems ?? INTAKE_ITEMS_MAX, `${path}.maxItems`),
    maxBytes: sizeBytes(options.maxBytes ?? INTAKE_BYTES_MAX, `${path}.maxBytes`),
    whenFull: oneOf(options.whenFull ?? whenFull, ['abort', 'block'] as const, `${path}.whenFull`),
    blockTimeoutMs: durationMs(options.blockTimeout ?? BLOCK_TIMEOUT_MS, `${path}.blockTimeout`),
  }
}

function count(value: unknown, path: string, min = 1): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min)
    throw configError(path, `a whole number of at least ${min}`, value)
  return value
}

function oneOf<T extends string>(value: T, allowed: readonly T[], path: string): T {
  if (!allowed.includes(value)) throw configError(path, `one of ${allowed.join(', ')}`, value)
  return value
}
