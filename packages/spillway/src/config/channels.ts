// The write patterns as values: what a queue's `channel` may be. They are data; the composition root builds the channel.

import { INTAKE_BYTES_MAX, INTAKE_ITEMS_MAX } from '../domain/index.js'
import { configError, type Duration, durationMs, type Size, sizeBytes } from './duration.js'

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
export type ChannelSpec = DirectSpec | StoreSpec | PoolSpec | BufferSpec

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

function count(value: unknown, path: string, min = 1): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min)
    throw configError(path, `a whole number of at least ${min}`, value)
  return value
}

function oneOf<T extends string>(value: T, allowed: readonly T[], path: string): T {
  if (!allowed.includes(value)) throw configError(path, `one of ${allowed.join(', ')}`, value)
  return value
}
