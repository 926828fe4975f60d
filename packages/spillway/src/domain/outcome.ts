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
/** A business no: the command was understood and refused. Final. */
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
export interface Exception {
  readonly outcome: 'exception'
  readonly fault: FaultKind
  readonly error: ErrorRecord
}

/** What a handler may return for a command. */
export type HandlerOutcome = Ok | Failed | Retry
export type Outcome = HandlerOutcome | Exception

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

const OK: Ok = Object.freeze({ outcome: 'ok' })

export function isHandlerOutcome(value: unknown): value is HandlerOutcome {
  if (typeof value !== 'object' || value === null || !('outcome' in value)) return false
  return value.outcome === 'ok' || value.outcome === 'failed' || value.outcome === 'retry'
}
