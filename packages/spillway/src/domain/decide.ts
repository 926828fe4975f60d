// The one place that turns the outcome of an execution into the command's next state. Pure: the clock and the random
// number are arguments, so every branch can be tested and a simulation replays it exactly.

import { type Backoff, backoffMs } from './backoff.js'
import type { ErrorRecord, Outcome } from './outcome.js'

export interface RetryPolicy {
  /** Executions in all, the first included. */
  readonly attempts: number
  readonly backoff: Backoff
  /** No retry starts later than this many ms after the command was accepted; null = no deadline. */
  readonly deadlineMs: number | null
}

export interface DecideInput {
  readonly outcome: Outcome
  /** Number of the execution that just ended, counted from 1. */
  readonly attempt: number
  readonly policy: RetryPolicy
  /** When the command was accepted, and now, in ms since the epoch by the same clock. */
  readonly acceptedAt: number
  readonly now: number
  /** In [0, 1). */
  readonly random: number
}

export type Decision =
  | { readonly state: 'succeeded'; readonly value?: unknown }
  | { readonly state: 'failed'; readonly error: ErrorRecord }
  | { readonly state: 'retrying'; readonly delayMs: number; readonly error: ErrorRecord }
  | { readonly state: 'dead'; readonly error: ErrorRecord }

const SUCCEEDED: Decision = Object.freeze({ state: 'succeeded' })

export function decide(input: DecideInput): Decision {
  const { outcome } = input
  switch (outcome.outcome) {
    case 'ok':
      return outcome.value === undefined ? SUCCEEDED : { state: 'succeeded', value: outcome.value }
    case 'failed':
      return { state: 'failed', error: { code: 'failed', message: outcome.reason } }
    case 'retry':
      return again(input, { code: 'retry', message: outcome.reason }, outcome.afterMs)
    case 'exception':
      if (outcome.fault === 'permanent') return { state: 'dead', error: outcome.error }
      return again(input, outcome.error, undefined)
  }
}

function again(input: DecideInput, error: ErrorRecord, afterMs: number | undefined): Decision {
  const { attempt, policy, now, acceptedAt, random } = input
  if (attempt >= policy.attempts) return { state: 'dead', error }
  const delayMs = Math.max(0, afterMs ?? backoffMs(policy.backoff, attempt, random))
  if (policy.deadlineMs !== null && now + delayMs > acceptedAt + policy.deadlineMs) {
    return { state: 'dead', error: { ...error, message: `${error.message} (retry deadline reached)` } }
  }
  return { state: 'retrying', delayMs, error }
}
