// A command type as its user defines it, with the payload's type inferred from any Standard Schema, and as the rest of
// Spillway sees it: every default filled in, durations in ms.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import {
  CHUNK_COMMANDS_MAX,
  type FaultKind,
  type HandlerOutcome,
  KEY_LENGTH_MAX,
  NAME_LENGTH_MAX,
  type RetryPolicy,
} from '../domain/index.js'
import type { BulkWrite } from '../ports/index.js'
import { configError, type Duration, durationMs } from './duration.js'

export interface HandlerContext {
  /** The command's id: stable over retries, so it can serve as an idempotency key downstream. */
  readonly id: string
  readonly type: string
  readonly queue: string
  /** Number of this execution, counted from 1. */
  readonly attempt: number
  /** Aborts on timeout, on loss of the lease and on shutdown. */
  readonly signal: AbortSignal
  // biome-ignore lint/suspicious/noExplicitAny: the type of a transaction belongs to the store that the user's config names
  readonly tx: any
}

export interface BatchContext {
  readonly type: string
  readonly queue: string
  /** Ids and attempts, in the order of the payloads. */
  readonly commands: readonly { readonly id: string; readonly attempt: number }[]
  readonly signal: AbortSignal
  // biome-ignore lint/suspicious/noExplicitAny: see HandlerContext.tx
  readonly tx: any
}

// biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing at all, or a value
export type HandlerReturn = HandlerOutcome | unknown | void
/** Nothing (all ok), or one outcome per command in the same order. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing at all
export type BatchReturn = readonly (HandlerOutcome | null | undefined)[] | void

/** A bulk sink made by `into()`: rows from payloads, no code of the user's in between. */
export interface Sink<Payload = unknown> {
  readonly kind: 'sink'
  readonly table: string
  toBulkWrite(payloads: readonly Payload[]): BulkWrite
}

export interface RetryOptions {
  /** Executions in all, the first included. Default 5. */
  attempts?: number
  backoff?: { type?: 'exponential' | 'fixed'; delay?: Duration; max?: Duration; jitter?: 'full' | 'none' }
  /** No retry starts later than this after acceptance. */
  deadline?: Duration
}

export interface CommandOptions<Name extends string, Schema extends StandardSchemaV1> {
  name: Name
  input: Schema
  /** Default 'default'. */
  queue?: string
  /** Key under which a repeat of the command is recognised for `idempotencyWindow`. */
  idempotencyKey?: (payload: StandardSchemaV1.InferOutput<Schema>) => string
  /** Default 24 h; independent of how long commands are kept. */
  idempotencyWindow?: Duration
  /** Where repeats are found: at intake (default; the receipt says so), or only by the effect's own unique key. */
  deduplicate?: 'intake' | 'effect'
  /** On an ordered queue, commands of one key run one after the other. */
  orderingKey?: (payload: StandardSchemaV1.InferOutput<Schema>) => string
  /** Higher first; default 0. */
  priority?: number
  /** For batch handlers: commands per call at most, and how long after the last one a call may wait to fill. Default 1,000 (a full chunk) and 5 ms. */
  batch?: { maxSize?: number; maxWait?: Duration }
  retry?: RetryOptions
  /** Of one handler call. Default 30 s. */
  timeout?: Duration
  /** `transaction`: the handler's writes through `ctx.tx` and the settlement commit together. `into()` always does, where the store can. */
  settlement?: 'batched' | 'transaction'
  /** Overrides how an error thrown by the handler is treated. Return undefined for the default. */
  classify?: (error: unknown) => FaultKind | undefined
  handle?(
    payload: StandardSchemaV1.InferOutput<Schema>,
    context: HandlerContext,
  ): HandlerReturn | Promise<HandlerReturn>
  handleBatch?:
    | ((
        payloads: StandardSchemaV1.InferOutput<Schema>[],
        context: BatchContext,
      ) => BatchReturn | Promise<BatchReturn>)
    | Sink<StandardSchemaV1.InferOutput<Schema>>
}

export type CommandHandler =
  | { readonly kind: 'one'; readonly run: (payload: unknown, context: HandlerContext) => unknown }
  | { readonly kind: 'batch'; readonly run: (payloads: unknown[], context: BatchContext) => unknown }
  | { readonly kind: 'sink'; readonly sink: Sink }
  /** No handler here: runs on its pool's worker threads, or this process only submits it. */
  | { readonly kind: 'none' }

/** Phantom types let `submit` infer the payload; everything else is plain data and functions. */
export interface CommandDefinition<Name extends string = string, Input = unknown, Output = unknown> {
  readonly name: Name
  readonly queue: string
  readonly input: StandardSchemaV1<Input, Output>
  readonly idempotencyKey: ((payload: unknown) => string) | null
  readonly idempotencyWindowMs: number
  readonly deduplicate: 'intake' | 'effect'
  readonly orderingKey: ((payload: unknown) => string) | null
  readonly priority: number
  readonly batch: { readonly maxSize: number; readonly maxWaitMs: number }
  readonly retry: RetryPolicy
  readonly timeoutMs: number
  readonly settlement: 'batched' | 'transaction'
  readonly classify: ((error: unknown) => FaultKind | undefined) | null
  readonly handler: CommandHandler
}

// biome-ignore lint/suspicious/noExplicitAny: a list of commands of any payload types
export type AnyCommand = CommandDefinition<string, any, any>

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

export function defineCommand<Name extends string, Schema extends StandardSchemaV1>(
  options: CommandOptions<Name, Schema>,
): CommandDefinition<Name, StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>> {
  const path = `command ${typeof options.name === 'string' ? options.name : '?'}`
  checkName(options.name, `${path}: name`)
  const queue = options.queue ?? 'default'
  checkName(queue, `${path}: queue`)
  if (typeof options.input?.['~standard']?.validate !== 'function')
    throw configError(`${path}: input`, 'a Standard Schema (zod, valibot, arktype, ...)', options.input)
  const maxSize = options.batch?.maxSize ?? CHUNK_COMMANDS_MAX
  checkInteger(maxSize, 1, CHUNK_COMMANDS_MAX * 10, `${path}: batch.maxSize`)
  const attempts = options.retry?.attempts ?? 5
  checkInteger(attempts, 1, 1_000, `${path}: retry.attempts`)
  const priority = options.priority ?? 0
  checkInteger(priority, -100, 100, `${path}: priority`)
  const backoff = options.retry?.backoff ?? {}
  const handler = handlerOf(options, path)
  return {
    name: options.name,
    queue,
    input: options.input as StandardSchemaV1<
      StandardSchemaV1.InferInput<Schema>,
      StandardSchemaV1.InferOutput<Schema>
    >,
    idempotencyKey: (options.idempotencyKey as ((payload: unknown) => string) | undefined) ?? null,
    idempotencyWindowMs: durationMs(options.idempotencyWindow ?? '24h', `${path}: idempotencyWindow`),
    deduplicate: options.deduplicate ?? 'intake',
    orderingKey: (options.orderingKey as ((payload: unknown) => string) | undefined) ?? null,
    priority,
    batch: { maxSize, maxWaitMs: durationMs(options.batch?.maxWait ?? 5, `${path}: batch.maxWait`) },
    retry: {
      attempts,
      backoff: {
        type: backoff.type ?? 'exponential',
        delayMs: durationMs(backoff.delay ?? '1s', `${path}: retry.backoff.delay`),
        maxMs: durationMs(backoff.max ?? '10m', `${path}: retry.backoff.max`),
        jitter: backoff.jitter ?? 'full',
      },
      deadlineMs:
        options.retry?.deadline === undefined
          ? null
          : durationMs(options.retry.deadline, `${path}: retry.deadline`),
    },
    timeoutMs: durationMs(options.timeout ?? '30s', `${path}: timeout`),
    settlement: options.settlement ?? (handler.kind === 'sink' ? 'transaction' : 'batched'),
    classify: options.classify ?? null,
    handler,
  }
}

function handlerOf(options: { handle?: unknown; handleBatch?: unknown }, path: string): CommandHandler {
  const { handle, handleBatch } = options
  if (handle !== undefined && handleBatch !== undefined)
    throw configError(path, 'either handle or handleBatch', 'both')
  if (typeof handle === 'function') return { kind: 'one', run: handle as never }
  if (typeof handleBatch === 'function') return { kind: 'batch', run: handleBatch as never }
  if (
    typeof handleBatch === 'object' &&
    handleBatch !== null &&
    'kind' in handleBatch &&
    handleBatch.kind === 'sink'
  ) {
    return { kind: 'sink', sink: handleBatch as Sink }
  }
  if (handle === undefined && handleBatch === undefined) return { kind: 'none' }
  throw configError(
    `${path}: ${handle === undefined ? 'handleBatch' : 'handle'}`,
    handle === undefined ? 'a function or into(...)' : 'a function',
    handle ?? handleBatch,
  )
}

/** Names appear in URLs, metrics and SQL values: letters, digits, dot, dash and underscore. */
export function checkName(name: unknown, path: string): asserts name is string {
  if (typeof name !== 'string' || name.length > NAME_LENGTH_MAX || !NAME_PATTERN.test(name)) {
    throw configError(
      path,
      `1 to ${NAME_LENGTH_MAX} letters, digits, '.', '_' or '-', starting with a letter or digit`,
      name,
    )
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** An idempotency or ordering key must be 1 to 255 printable characters. */
export function isUsableKey(key: unknown): key is string {
  return (
    typeof key === 'string' && key.length > 0 && key.length <= KEY_LENGTH_MAX && !CONTROL_CHARACTERS.test(key)
  )
}

function checkInteger(value: unknown, min: number, max: number, path: string): void {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max)
    throw configError(path, `a whole number from ${min} to ${max}`, value)
}
