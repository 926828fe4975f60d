// A budget of retries per command type, so that retries cannot multiply the load on something that is failing already: every
// execution pays a fraction of a retry in, and every retry takes a whole one out. What Spillway took in must not be lost, so
// an empty budget does not refuse: the retry reserves the next one that will be paid in, and waits that much longer.
//
// After Finagle's RetryBudget (twitter/finagle, finagle-core, service/RetryBudget.scala): 20 % of the executions, plus 10 per
// second for types that run rarely, deposits expiring after 10 s. There they sit in a leaky bucket; here they decay.

import { steadyNow } from './steady-time.js'

/** Deposits are worth half as much after seven tenths of this; the minimum gathers for this long at most. */
export const RETRY_DEPOSIT_MS = 10_000
/** The longest that a retry is postponed for the budget's sake, unless the policy says otherwise. */
export const RETRY_POSTPONE_MS_MAX = 300_000

export interface RetryBudgetPolicy {
  /** Retries per execution, retries included: in the long run they are at most this share of everything that runs. */
  readonly ratio: number
  /** Retries per second that are always allowed. */
  readonly minPerSecond: number
  /** Longest wait beyond the backoff. It bounds what may be reserved; with that much reserved, retries wait this long and reserve nothing. */
  readonly maxWaitMs: number
}

export const DEFAULT_RETRY_BUDGET: RetryBudgetPolicy = Object.freeze({
  ratio: 0.2,
  minPerSecond: 10,
  maxWaitMs: RETRY_POSTPONE_MS_MAX,
})

export interface RetryBudget {
  /** Retries that may start now; negative = reserved by retries that wait. */
  readonly balance: number
  /** What was paid in lately, decaying: divided by RETRY_DEPOSIT_MS, the rate of deposits. */
  readonly recent: number
  readonly at: number
}

export interface RetryWithdrawal {
  readonly budget: RetryBudget
  /** Per retry, how long it waits beyond its backoff; ascending. */
  readonly waitsMs: readonly number[]
}

/** Every execution pays in, retries included. */
export function depositExecutions(
  budget: RetryBudget | null,
  policy: RetryBudgetPolicy,
  executions: number,
  now: number,
): RetryBudget {
  const aged = agedBudget(budget, policy, now)
  const paid = executions * policy.ratio
  return { ...aged, balance: aged.balance + paid, recent: aged.recent + paid }
}

/** Takes out one per retry. At most CHUNK_COMMANDS_MAX at once: those of one failing batch. */
export function withdrawRetries(
  budget: RetryBudget | null,
  policy: RetryBudgetPolicy,
  retries: number,
  now: number,
): RetryWithdrawal {
  const aged = agedBudget(budget, policy, now)
  const perMs = policy.minPerSecond / 1_000 + aged.recent / RETRY_DEPOSIT_MS
  const lowest = 0 - policy.maxWaitMs * perMs
  const waitsMs = Array.from({ length: retries }, (_, index) =>
    msUntilPaid(aged.balance - index - 1, perMs, policy.maxWaitMs),
  )
  // A rate that fell leaves more reserved than could be reserved now; that is kept, and not added to.
  const balance = Math.max(aged.balance - retries, Math.min(aged.balance, lowest))
  return { budget: { ...aged, balance }, waitsMs }
}

function msUntilPaid(balance: number, perMs: number, maxWaitMs: number): number {
  if (balance >= 0) return 0
  return perMs === 0 ? maxWaitMs : Math.min(Math.ceil(-balance / perMs), maxWaitMs)
}

/** The minimum flows in up to its reserve; what deposits added beyond that decays back to it. */
function agedBudget(budget: RetryBudget | null, policy: RetryBudgetPolicy, now: number): RetryBudget {
  const reserve = (policy.minPerSecond * RETRY_DEPOSIT_MS) / 1_000
  if (budget === null) return { balance: reserve, recent: 0, at: now }
  const at = steadyNow(budget.at, now)
  const elapsedMs = Math.max(0, at - budget.at)
  const kept = Math.exp(-elapsedMs / RETRY_DEPOSIT_MS)
  const balance =
    budget.balance > reserve
      ? reserve + (budget.balance - reserve) * kept
      : Math.min(reserve, budget.balance + (elapsedMs * policy.minPerSecond) / 1_000)
  return { balance, recent: budget.recent * kept, at }
}
