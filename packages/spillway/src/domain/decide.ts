// The one place that turns the outcome of an execution into the command's next state. Pure: the clock and the random
// number are arguments, so every branch can be tested and a simulation replays it exactly.

import { type Backoff, backoffMs } from './backoff.js'
import type { Memo } from './memo.js'
import type { ErrorRecord, Exception, Outcome, Pending, Reconciliation } from './outcome.js'
import type { Stage } from './states.js'

export interface RetryPolicy {
  /** Executions in all, the first included. */
  readonly attempts: number
  readonly backoff: Backoff
  /** No retry starts later than this many ms after the command was accepted; null = no deadline. */
  readonly deadlineMs: number | null
  /** Instead of the above for errors that fit: an exception names the place of the one that does. */
  readonly overrides?: readonly { readonly attempts: number; readonly backoff: Backoff }[]
}

/** How often something is tried, and how far apart. */
export interface Tries {
  readonly attempts: number
  readonly backoff: Backoff
}

/** All that a command type says about bad days. */
export interface BadDayPolicy {
  readonly retry: RetryPolicy
  /** Null = the type cannot be asked whether it happened. */
  readonly reconciliation: Tries | null
  /** Whether the type can undo a command as a whole; steps with an undo of their own make up for it. */
  readonly compensates: boolean
  /** `onDead`: exhausted commands are undone too, not only refused ones. */
  readonly compensation: Tries & { readonly onDead: boolean }
  /** Whether a business no is the end or tried again like an exception. */
  readonly onFailed: 'final' | 'retry'
  /** How often the counterpart of a pending command is asked; null = it answers by itself. */
  readonly pollEveryMs: number | null
}

/** What a decision rests on besides the answer. */
export interface DecideBasis {
  /** Executions so far, the one that just ended included. */
  readonly attempt: number
  readonly policy: BadDayPolicy
  readonly memo: Memo
  /** Whether its steps left something to undo. */
  readonly undoable?: boolean
  /** When the command was accepted, and now, in ms since the epoch by the same clock. */
  readonly acceptedAt: number
  readonly now: number
  /** In [0, 1). */
  readonly random: number
}

export interface DecideInput extends DecideBasis {
  readonly outcome: Outcome
}

/** `tokenHash` travels beside: hashing is not decided here. */
export type Decision =
  | { readonly state: 'succeeded'; readonly value?: unknown }
  | { readonly state: 'failed' | 'compensated'; readonly error: ErrorRecord }
  /** `stage`: where it stopped, for a redrive. */
  | { readonly state: 'dead'; readonly error: ErrorRecord; readonly stage: Stage; readonly memo: Memo }
  | { readonly state: 'retrying'; readonly delayMs: number; readonly error: ErrorRecord }
  | {
      readonly state: 'reconciling' | 'compensating'
      readonly delayMs: number
      readonly error: ErrorRecord
      readonly memo: Memo
    }
  | { readonly state: 'pending'; readonly delayMs: number; readonly expiresInMs: number; readonly memo: Memo }

const SUCCEEDED: Decision = Object.freeze({ state: 'succeeded' })

/** Of a handler's answer, wherever it came from: the handler itself, a poll, or `complete`. */
export function decide(input: DecideInput): Decision {
  const { outcome, policy } = input
  switch (outcome.outcome) {
    case 'ok':
      return succeeded(outcome.value)
    case 'failed': {
      const error = { code: 'failed', message: outcome.reason }
      const decision = policy.onFailed === 'retry' ? again(input, error, undefined) : null
      if (decision?.state === 'retrying') return decision
      return undoOr(input, { state: 'failed', error })
    }
    case 'retry':
      return again(input, { code: 'retry', message: outcome.reason }, outcome.afterMs)
    case 'unknown':
      return doubt(input, { code: 'unknown', message: outcome.reason }, undefined)
    case 'pending':
      return pend(input, outcome)
    case 'exception':
      if (outcome.fault === 'permanent') return exhausted(input, outcome.error)
      return doubt(input, outcome.error, outcome.override)
  }
}

/** Of the answer whether it happened; an exception of the question leaves it unknown. */
export function decideReconciled(input: DecideBasis, answer: Reconciliation | Exception): Decision {
  const reason = input.memo.failure?.error ?? { code: 'unknown', message: 'it may have happened or not' }
  if ('outcome' in answer) return askAgain(input, answer.error)
  switch (answer.reconciled) {
    case 'applied':
      return succeeded(answer.value)
    case 'notApplied':
      return retryNow(input, reason)
    case 'stillUnknown':
      return askAgain(input, { code: 'unknown', message: answer.reason })
  }
}

/** Of the counterpart's answer to a poll; null = none yet. An exception of the poll is none either. */
export function decidePolled(input: DecideBasis, answer: Outcome | null): Decision {
  if (answer !== null && answer.outcome !== 'exception' && answer.outcome !== 'pending')
    return decide({ ...input, outcome: answer })
  const { memo, now, policy } = input
  const leftMs = (memo.pendingUntil ?? now) - now
  if (leftMs <= 0) {
    const message = 'the counterpart did not answer before the deadline'
    return doubt(input, { code: 'completion_expired', message }, undefined)
  }
  return { state: 'pending', delayMs: nextLook(policy, leftMs), expiresInMs: leftMs, memo }
}

/** Of undoing it: anything but success is tried again until its tries are used up. */
export function decideCompensated(input: DecideInput): Decision {
  const { outcome, memo, policy, random } = input
  const failure = memo.failure?.error ?? { code: 'failed', message: 'refused' }
  if (outcome.outcome === 'ok') return { state: 'compensated', error: failure }
  const error = errorOf(outcome)
  const compensations = (memo.compensations ?? 0) + 1
  const tries = policy.compensation
  const final =
    outcome.outcome === 'failed' || (outcome.outcome === 'exception' && outcome.fault === 'permanent')
  if (final || compensations >= tries.attempts) {
    const message = `compensation failed: ${error.message}`
    return { state: 'dead', stage: 'compensate', error: { ...error, message }, memo: triedAnew(memo) }
  }
  const delayMs = outcome.outcome === 'retry' ? outcome.afterMs : undefined
  return {
    state: 'compensating',
    delayMs: Math.max(0, delayMs ?? backoffMs(tries.backoff, compensations, random)),
    error,
    memo: { ...memo, compensations },
  }
}

/**
 * Of a command whose worker died or stalled under it as often as that may happen in this stage: nothing is tried again by itself.
 * What may have happened is asked about first when somebody redrives it.
 */
export function decideCrashed(input: DecideBasis, stage: Stage, error: ErrorRecord): Decision {
  const { policy, memo } = input
  if (stage === 'poll' || stage === 'compensate')
    return { state: 'dead', stage, error, memo: triedAnew(memo) }
  if (stage === 'execute' && policy.reconciliation === null) return exhausted(input, error)
  const failure = stage === 'reconcile' ? memo.failure : undefined
  return inDoubt({ ...input, memo: { ...memo, failure: failure ?? { state: 'unknown', error } } }, error)
}

/** A redrive has all tries again. */
function triedAnew(memo: Memo): Memo {
  return memo.compensations === undefined ? memo : { ...memo, compensations: 0 }
}

function succeeded(value: unknown): Decision {
  return value === undefined ? SUCCEEDED : { state: 'succeeded', value }
}

function errorOf(outcome: Outcome): ErrorRecord {
  switch (outcome.outcome) {
    case 'exception':
      return outcome.error
    case 'failed':
    case 'retry':
    case 'unknown':
      return { code: outcome.outcome, message: outcome.reason }
    default:
      return { code: outcome.outcome, message: `unexpected outcome '${outcome.outcome}'` }
  }
}

/** Whether it happened is asked before it is done again, where the type can be asked; the backoff is that of the retry it replaces. */
function doubt(input: DecideBasis, error: ErrorRecord, override: number | undefined): Decision {
  const { policy, attempt, random, memo } = input
  if (policy.reconciliation === null) return again(input, error, undefined, override)
  const { backoff } = triesOf(policy.retry, override)
  const failure = { state: 'unknown', error } as const
  return {
    state: 'reconciling',
    delayMs: backoffMs(backoff, attempt, random),
    error,
    memo: {
      ...withoutOverride(memo),
      ...(override === undefined ? {} : { override }),
      failure,
      reconciliations: 0,
    },
  }
}

function withoutOverride({ override: _, ...memo }: Memo): Memo {
  return memo
}

function askAgain(input: DecideBasis, error: ErrorRecord): Decision {
  const { policy, memo, random } = input
  const reconciliations = (memo.reconciliations ?? 0) + 1
  const tries = policy.reconciliation
  if (tries === null || reconciliations >= tries.attempts)
    return inDoubt(input, { ...error, message: `nobody could say whether it happened: ${error.message}` })
  return {
    state: 'reconciling',
    delayMs: backoffMs(tries.backoff, reconciliations, random),
    error,
    memo: { ...memo, reconciliations },
  }
}

/** Over, and nobody knows whether it happened: a redrive asks again before anything else. */
function inDoubt(input: DecideBasis, error: ErrorRecord): Decision {
  const { policy, memo } = input
  if (policy.compensation.onDead && isUndoable(input)) return undo(input, { state: 'unknown', error })
  return { state: 'dead', stage: 'reconcile', error, memo: { ...memo, reconciliations: 0 } }
}

/** It did not happen: nothing to wait for any more, the wait came before the question. */
function retryNow(input: DecideBasis, error: ErrorRecord): Decision {
  return again(input, error, 0, input.memo.override)
}

function pend({ policy, memo, now }: DecideBasis, { deadlineMs }: Pending): Decision {
  const expiresInMs = Math.max(0, deadlineMs)
  return {
    state: 'pending',
    delayMs: nextLook(policy, expiresInMs),
    expiresInMs,
    memo: { ...memo, pendingUntil: now + expiresInMs },
  }
}

function nextLook({ pollEveryMs }: BadDayPolicy, leftMs: number): number {
  return pollEveryMs === null ? leftMs : Math.min(pollEveryMs, leftMs)
}

function triesOf(retry: RetryPolicy, override: number | undefined): Tries {
  return (override === undefined ? undefined : retry.overrides?.[override]) ?? retry
}

function again(
  input: DecideBasis,
  error: ErrorRecord,
  afterMs: number | undefined,
  override?: number,
): Decision {
  const { attempt, policy, now, acceptedAt, random } = input
  const { attempts, backoff } = triesOf(policy.retry, override)
  const { deadlineMs } = policy.retry
  if (attempt >= attempts) return exhausted(input, error)
  const delayMs = Math.max(0, afterMs ?? backoffMs(backoff, attempt, random))
  if (deadlineMs !== null && now + delayMs > acceptedAt + deadlineMs)
    return exhausted(input, { ...error, message: `${error.message} (retry deadline reached)` })
  return { state: 'retrying', delayMs, error }
}

function exhausted(input: DecideBasis, error: ErrorRecord): Decision {
  if (input.policy.compensation.onDead) return undoOr(input, { state: 'dead', error })
  return { state: 'dead', error, stage: 'execute', memo: input.memo }
}

/** Undone where there is something to undo it with, at once; else as it is. */
function undoOr(
  input: DecideBasis,
  failure: { readonly state: 'failed' | 'dead'; readonly error: ErrorRecord },
): Decision {
  if (isUndoable(input)) return undo(input, failure)
  const { state, error } = failure
  return state === 'failed' ? { state, error } : { state, error, stage: 'execute', memo: input.memo }
}

function isUndoable({ policy, undoable }: DecideBasis): boolean {
  return policy.compensates || undoable === true
}

function undo({ memo }: DecideBasis, failure: NonNullable<Memo['failure']>): Decision {
  return {
    state: 'compensating',
    delayMs: 0,
    error: failure.error,
    memo: { ...memo, failure, compensations: 0 },
  }
}
