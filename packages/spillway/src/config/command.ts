// A command type as its user defines it, with the payload's type inferred from any Standard Schema, and as the rest of
// Spillway sees it: every default filled in, durations in ms.

import type { StandardSchemaV1 } from '@standard-schema/spec'
import {
  type BadDayPolicy,
  type BreakerPolicy,
  CHUNK_COMMANDS_MAX,
  type FaultKind,
  KEY_LENGTH_MAX,
  NAME_LENGTH_MAX,
  RESERVED_PREFIX,
} from '../domain/index.js'
import {
  type BreakerOptions,
  badDayPolicy,
  breakerOf,
  type CompensationOptions,
  type ErrorMatcher,
  matchersOf,
  type ResolvedRetryBudget,
  type RetryOptions,
  retryBudgetOf,
  type TriesOptions,
} from './bad-days.js'
import { configError, type Duration, durationMs } from './duration.js'
import type {
  BatchContext,
  BatchReturn,
  CallbackOf,
  CommandContext,
  CommandHandler,
  Compensator,
  Failure,
  HandlerContext,
  HandlerReturn,
  Poller,
  PollReturn,
  ReconcileReturn,
  Reconciler,
  Sink,
} from './handler.js'
import { wholeNumber } from './numbers.js'

export interface CommandOptions<
  Name extends string,
  Schema extends StandardSchemaV1,
  Payload = StandardSchemaV1.InferOutput<Schema>,
> {
  name: Name
  input: Schema
  /** Default 'default'. */
  queue?: string
  /** Key under which a repeat of the command is recognised for `idempotencyWindow`. */
  idempotencyKey?: (payload: Payload) => string
  /** Default 24 h; independent of how long commands are kept. */
  idempotencyWindow?: Duration
  /** Where repeats are found: at intake (default; the receipt says so), or only by the effect's own unique key. */
  deduplicate?: 'intake' | 'effect'
  /** On an ordered queue, commands of one key run one after the other. */
  orderingKey?: (payload: Payload) => string
  /** On a queue with `tenants`, whose command it is: tenants take turns. */
  tenantKey?: (payload: Payload) => string
  /** On a queue with `keyRateLimit`, what is limited. */
  rateKey?: (payload: Payload) => string
  /** Higher first; default 0. */
  priority?: number
  /** For batch handlers: commands per call at most, and how long after the last one a call may wait to fill. Default 1,000 (a full chunk) and 10 ms. */
  batch?: { maxSize?: number; maxWait?: Duration }
  retry?: RetryOptions
  /** Leaves a counterpart that keeps failing alone for a while, on all processes. Only transient exceptions count. Default: none. */
  breaker?: BreakerOptions | boolean
  /** Of one handler call. Default 30 s. */
  timeout?: Duration
  /** `transaction`: the handler's writes through `ctx.tx` and the settlement commit together. `into()` always does, where the store can. */
  settlement?: 'batched' | 'transaction'
  /** Whether a business no is the end (default) or tried again like an exception. */
  onFailed?: 'final' | 'retry'
  /** Overrides how an error thrown by the handler is treated. Return undefined for the default. */
  classify?: (error: unknown) => FaultKind | undefined
  /**
   * Checks stored payloads against `input` again before every execution, for schemas that accept their own output. Default false: a payload
   * is checked again only once its handler has failed on it. What no longer matches goes to the dead letters with the schema's words.
   */
  revalidate?: boolean
  handle?(payload: Payload, context: HandlerContext): HandlerReturn | Promise<HandlerReturn>
  handleBatch?:
    | ((payloads: Payload[], context: BatchContext) => BatchReturn | Promise<BatchReturn>)
    | Sink<Payload>
  /** Asked whether a command happened whose outcome nobody knows, before it is executed again. */
  reconcile?(payload: Payload, context: CommandContext): ReconcileReturn | Promise<ReconcileReturn>
  /** The same for many at once: one answer per command, in order. */
  reconcileBatch?(
    payloads: Payload[],
    context: BatchContext,
  ): readonly ReconcileReturn[] | Promise<readonly ReconcileReturn[]>
  /** How often it is asked and how far apart. Default 10 times, 1 s doubling up to 5 min. */
  reconciliation?: TriesOptions
  /** Undoes a command that was refused. */
  compensate?(payload: Payload, failure: Failure, context: CommandContext): unknown
  /** Default 10 times, 1 s doubling up to 10 min. */
  compensation?: CompensationOptions
  /** Asks the counterpart of a pending command for its answer. Default every 10 s. */
  poll?: {
    every?: Duration
    run(payload: Payload, context: CommandContext): PollReturn | Promise<PollReturn>
  }
  /** Where to tell upstream how it ended, once it has: an https URL. Needs `callbacks` in the configuration. */
  callback?: (payload: Payload) => string | null | undefined
}

/** Phantom types let `submit` infer the payload; everything else is plain data and functions. */
export interface CommandDefinition<Name extends string = string, Input = unknown, Output = unknown> {
  readonly name: Name
  readonly queue: string
  readonly input: StandardSchemaV1<Input, Output>
  readonly idempotencyKey: ((payload: unknown) => string) | null
  readonly idempotencyWindowMs: number
  readonly deduplicate: 'intake' | 'effect'
  readonly orderingKey: ((payload: unknown) => string) | null
  readonly tenantKey: ((payload: unknown) => string) | null
  readonly rateKey: ((payload: unknown) => string) | null
  readonly priority: number
  readonly batch: { readonly maxSize: number; readonly maxWaitMs: number }
  readonly policy: BadDayPolicy
  /** Belongs to `policy.retry.overrides`, place by place. */
  readonly overrides: readonly ErrorMatcher[]
  readonly retryBudget: ResolvedRetryBudget | null
  readonly breaker: BreakerPolicy | null
  readonly timeoutMs: number
  readonly settlement: 'batched' | 'transaction'
  readonly classify: ((error: unknown) => FaultKind | undefined) | null
  readonly revalidate: boolean
  readonly handler: CommandHandler
  readonly reconciler: Reconciler | null
  readonly compensate: Compensator | null
  readonly poll: Poller | null
  readonly callback: CallbackOf | null
}

// biome-ignore lint/suspicious/noExplicitAny: a list of commands of any payload types
export type AnyCommand = CommandDefinition<string, any, any>

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/

export function defineCommand<Name extends string, Schema extends StandardSchemaV1>(
  options: CommandOptions<Name, Schema>,
): CommandDefinition<Name, StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>> {
  checkOwnName(options.name, `command ${typeof options.name === 'string' ? options.name : '?'}: name`)
  return defineAnyCommand(options)
}

/** Also for Spillway's own commands, whose names are reserved. */
export function defineAnyCommand<Name extends string, Schema extends StandardSchemaV1>(
  options: CommandOptions<Name, Schema>,
): CommandDefinition<Name, StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>> {
  const path = `command ${options.name}`
  checkName(options.name, `${path}: name`)
  const queue = options.queue ?? 'default'
  checkName(queue, `${path}: queue`)
  if (typeof options.input?.['~standard']?.validate !== 'function')
    throw configError(`${path}: input`, 'a Standard Schema (zod, valibot, arktype, ...)', options.input)
  const handler = handlerOf(options, path)
  const reconciler = reconcilerOf(options, path)
  const poll = pollOf(options.poll, path)
  const has = {
    reconciles: reconciler !== null,
    compensates: options.compensate !== undefined,
    polls: poll !== null,
  }
  return {
    name: options.name,
    queue,
    input: options.input as StandardSchemaV1<
      StandardSchemaV1.InferInput<Schema>,
      StandardSchemaV1.InferOutput<Schema>
    >,
    idempotencyKey: keyOf(options.idempotencyKey, `${path}: idempotencyKey`),
    idempotencyWindowMs: durationMs(options.idempotencyWindow ?? '24h', `${path}: idempotencyWindow`),
    deduplicate: options.deduplicate ?? 'intake',
    orderingKey: keyOf(options.orderingKey, `${path}: orderingKey`),
    tenantKey: keyOf(options.tenantKey, `${path}: tenantKey`),
    rateKey: keyOf(options.rateKey, `${path}: rateKey`),
    priority: wholeNumber(options.priority ?? 0, -100, 100, `${path}: priority`),
    batch: {
      maxSize: wholeNumber(
        options.batch?.maxSize ?? CHUNK_COMMANDS_MAX,
        1,
        CHUNK_COMMANDS_MAX * 10,
        `${path}: batch.maxSize`,
      ),
      maxWaitMs: durationMs(options.batch?.maxWait ?? 10, `${path}: batch.maxWait`),
    },
    policy: badDayPolicy({ ...options, pollEvery: options.poll?.every }, has, path),
    overrides: matchersOf(options.retry ?? {}, `${path}: retry`),
    retryBudget: retryBudgetOf(options.retry?.budget, `${path}: retry.budget`),
    breaker: breakerOf(options.breaker, `${path}: breaker`),
    timeoutMs: durationMs(options.timeout ?? '30s', `${path}: timeout`),
    settlement: options.settlement ?? (handler.kind === 'sink' ? 'transaction' : 'batched'),
    classify: options.classify ?? null,
    revalidate: options.revalidate ?? false,
    handler,
    reconciler,
    compensate: functionOf(options.compensate, `${path}: compensate`) as Compensator | null,
    poll,
    callback: functionOf(options.callback, `${path}: callback`) as CallbackOf | null,
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

function reconcilerOf(
  { reconcile, reconcileBatch }: { reconcile?: unknown; reconcileBatch?: unknown },
  path: string,
): Reconciler | null {
  if (reconcile !== undefined && reconcileBatch !== undefined)
    throw configError(path, 'either reconcile or reconcileBatch', 'both')
  const one = functionOf(reconcile, `${path}: reconcile`)
  if (one !== null) return { kind: 'one', run: one as never }
  const batch = functionOf(reconcileBatch, `${path}: reconcileBatch`)
  return batch === null ? null : { kind: 'batch', run: batch as never }
}

function pollOf(poll: unknown, path: string): Poller | null {
  if (poll === undefined) return null
  if (typeof poll !== 'object' || poll === null || !('run' in poll) || typeof poll.run !== 'function')
    throw configError(`${path}: poll`, '{ every, run(payload, context) }', poll)
  return poll.run as Poller
}

function functionOf(value: unknown, path: string): unknown {
  if (value === undefined) return null
  if (typeof value !== 'function') throw configError(path, 'a function', value)
  return value
}

function keyOf(value: unknown, path: string): ((payload: unknown) => string) | null {
  return functionOf(value, path) as ((payload: unknown) => string) | null
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

/** The same for a name that a user gives. */
export function checkOwnName(name: unknown, path: string): asserts name is string {
  checkName(name, path)
  if (name.startsWith(RESERVED_PREFIX))
    throw configError(path, `a name that does not begin with '${RESERVED_PREFIX}'`, name)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** An idempotency or ordering key must be 1 to 255 printable characters. */
export function isUsableKey(key: unknown): key is string {
  return (
    typeof key === 'string' && key.length > 0 && key.length <= KEY_LENGTH_MAX && !CONTROL_CHARACTERS.test(key)
  )
}
