// What one execution of one command came to, in the handler's words. A handler returns these; a throw becomes
// an exception, which is about the execution (network, timeout, crash) and not a business answer.

/**
 * How an exception is treated: transient is retried whole, data is bisected, permanent is not tried again. With schema the database
 * lacks what the handler needs: a worker pauses the queue and gives the commands back untried.
 */
export type FaultKind = 'transient' | 'data' | 'permanent' | 'schema'

export interface Ok {
  readonly outcome: 'ok'
  /** Kept with the command as JSON, at most 64 KiB. */
  readonly value?: unknown
}
/** A business no: the command was understood and refused. Final, unless the type's failure policy says otherwise. */
export interface Failed {
  readonly outcome: 'failed'
  readonly reason: string
}
/** Not now: try again after a delay, by default the policy's backoff. */
export interface Retry {
  readonly outcome: 'retry'
  readonly reason: string
  readonly afterMs?: number
}
/** It may have happened or not: the type's `reconcile` is asked; without one it is an exception. */
export interface Unknown {
  readonly outcome: 'unknown'
  readonly reason: string
}
/** The counterpart will answer later: by `complete(token, outcome)` or when polled, at the latest at the deadline. */
export interface Pending {
  readonly outcome: 'pending'
  /** What the counterpart answers with, at least TOKEN_LENGTH_MIN characters; only its hash is kept. None where a poll asks. */
  readonly token?: string
  /** ms from now. */
  readonly deadlineMs: number
}
export interface Exception {
  readonly outcome: 'exception'
  readonly fault: FaultKind
  readonly error: ErrorRecord
  /** Which of the policy's overrides fits the error, by place; none = the policy itself. */
  readonly override?: number
}

/** What a handler may return for a command. */
export type HandlerOutcome = Ok | Failed | Retry | Unknown | Pending
/** What `complete` may be told, and a poll may return. */
export type CompletionOutcome = Ok | Failed | Retry | Unknown
export type Outcome = HandlerOutcome | Exception

/** What `reconcile` says about a command that may have happened: it did (with its result) ... */
export interface Applied {
  readonly reconciled: 'applied'
  readonly value?: unknown
}
/** ... it did not, and may be executed again ... */
export interface NotApplied {
  readonly reconciled: 'notApplied'
}
/** ... or nobody can tell yet. */
export interface StillUnknown {
  readonly reconciled: 'stillUnknown'
  readonly reason: string
}
export type Reconciliation = Applied | NotApplied | StillUnknown

/** An error as it is kept with a command: bounded text, no payload. */
export interface ErrorRecord {
  readonly code: string
  readonly message: string
  readonly stack?: string
}

export function ok(value?: unknown): Ok {
  return value === undefined ? OK : { outcome: 'ok', value }
}
export function failed(reason: string): Failed {
  return { outcome: 'failed', reason }
}
export function retry(reason: string, options: { afterMs?: number } = {}): Retry {
  return options.afterMs === undefined
    ? { outcome: 'retry', reason }
    : { outcome: 'retry', reason, afterMs: options.afterMs }
}

export function unknown(reason: string): Unknown {
  return { outcome: 'unknown', reason }
}
export function applied(value?: unknown): Applied {
  return value === undefined ? { reconciled: 'applied' } : { reconciled: 'applied', value }
}
export function notApplied(): NotApplied {
  return { reconciled: 'notApplied' }
}
export function stillUnknown(reason = 'not known yet'): StillUnknown {
  return { reconciled: 'stillUnknown', reason }
}

const OK: Ok = Object.freeze({ outcome: 'ok' })

const HANDLER_OUTCOMES: ReadonlySet<unknown> = new Set(['ok', 'failed', 'retry', 'unknown', 'pending'])
const RECONCILIATIONS: ReadonlySet<unknown> = new Set(['applied', 'notApplied', 'stillUnknown'])

export function isHandlerOutcome(value: unknown): value is HandlerOutcome {
  return (
    typeof value === 'object' && value !== null && 'outcome' in value && HANDLER_OUTCOMES.has(value.outcome)
  )
}

export function isReconciliation(value: unknown): value is Reconciliation {
  return (
    typeof value === 'object' &&
    value !== null &&
    'reconciled' in value &&
    RECONCILIATIONS.has(value.reconciled)
  )
}
