// What a command's functions are called with and may return, and how Spillway holds them.

import type {
  CompletionOutcome,
  ErrorRecord,
  HandlerOutcome,
  Pending,
  Reconciliation,
} from '../domain/index.js'
import type { BulkWrite } from '../ports/index.js'
import { type Duration, durationMs } from './duration.js'

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
  /**
   * Does `run` once: its result (JSON) is recorded before the call resolves, and a retry gets it from there. When the command fails for
   * good, the steps that were done are undone in reverse by `undo`. For this the handler is called again with every recorded step skipped:
   * what has an effect belongs into steps, and steps come in the same order every time.
   */
  step<Result>(
    name: string,
    run: () => Result | Promise<Result>,
    undo?: (result: Result) => unknown,
  ): Promise<Result>
  /** What the counterpart shall complete this command with, once: unguessable, new for every execution. Return it in `pending({ token })`. */
  completionToken(): string
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

/** For the functions that ask about a command or undo it. */
export type CommandContext = Pick<HandlerContext, 'id' | 'type' | 'queue' | 'attempt' | 'signal'>

/** What a command failed with before it is undone; `unknown` where nobody could say whether it happened. */
export interface Failure {
  readonly state: 'failed' | 'dead' | 'unknown'
  readonly error: ErrorRecord
}

// biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing at all, or a value
export type HandlerReturn = HandlerOutcome | unknown | void
/** Nothing (all ok), or one outcome per command in the same order. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler may return nothing at all
export type BatchReturn = readonly (HandlerOutcome | null | undefined)[] | void
/** An outcome, or null while there is none yet. */
export type PollReturn = CompletionOutcome | null | undefined

/** A bulk sink made by `into()`: rows from payloads, no code of the user's in between. */
export interface Sink<Payload = unknown> {
  readonly kind: 'sink'
  readonly table: string
  /** What becomes of a row whose key exists: with 'update' the later one counts, so that order matters. */
  readonly onConflict: BulkWrite['onConflict']
  toBulkWrite(payloads: readonly Payload[]): BulkWrite
}

export type CommandHandler =
  | { readonly kind: 'one'; readonly run: (payload: unknown, context: HandlerContext) => unknown }
  | { readonly kind: 'batch'; readonly run: (payloads: unknown[], context: BatchContext) => unknown }
  | { readonly kind: 'sink'; readonly sink: Sink }
  /** No handler here: runs on its pool's worker threads, or this process only submits it. */
  | { readonly kind: 'none' }

export type Reconciler =
  | { readonly kind: 'one'; readonly run: (payload: unknown, context: CommandContext) => unknown }
  | { readonly kind: 'batch'; readonly run: (payloads: unknown[], context: BatchContext) => unknown }

export type ReconcileReturn = Reconciliation
export type Compensator = (payload: unknown, failure: Failure, context: CommandContext) => unknown
export type Poller = (payload: unknown, context: CommandContext) => unknown
/** Where upstream wants to hear of the command's end; nothing = it does not. */
export type CallbackOf = (payload: unknown) => string | null | undefined

/** The counterpart will answer later, at the latest after `deadline`: through `complete(token, ...)`, or when polled. */
export function pending(options: { token?: string; deadline: Duration }): Pending {
  const deadlineMs = durationMs(options.deadline, 'pending: deadline')
  return options.token === undefined
    ? { outcome: 'pending', deadlineMs }
    : { outcome: 'pending', deadlineMs, token: options.token }
}
