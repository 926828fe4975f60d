// When a callback is tried again, and when no longer. The waits come from the configuration; their default follows the example
// schedule of Standard Webhooks 1.0 ("Deliverability and reliability") up to ten hours and repeats the last, 27.5 hours in
// all. Some jitter on top keeps the callbacks of one outage from coming back as one wave.

import type { DeliveryResult } from './delivery-result.js'

/** A wait is up to this much longer than the schedule says, never shorter. */
const JITTER_RATIO = 0.1

/** The first attempt is made at once, and one more after each wait of the schedule. */
export function scheduledAttempts(scheduleMs: readonly number[]): number {
  return scheduleMs.length + 1
}

/**
 * ms to wait after attempt number `attempt` (the first is 1) failed; null when it was the last. `random` is in [0, 1). A
 * receiver that asked for more time gets it; one that asked for less does not use up the attempts that are meant to last for hours.
 */
export function nextWaitMs(
  scheduleMs: readonly number[],
  attempt: number,
  random: number,
  retryAfterMs: number | null = null,
): number | null {
  const waitMs = scheduleMs[attempt - 1]
  if (waitMs === undefined) return null
  return Math.round(Math.max(waitMs, retryAfterMs ?? 0) * (1 + JITTER_RATIO * random))
}

export type DeliveryVerdict =
  | { readonly verdict: 'delivered' }
  /** Try again later, not before `retryAfterMs` if that is given. */
  | { readonly verdict: 'retry'; readonly reason: string; readonly retryAfterMs: number | null }
  /** The receiver wants no more callbacks at this url: disable it. */
  | { readonly verdict: 'gone'; readonly reason: string }
  /** This url will not be called, however often it is tried. */
  | { readonly verdict: 'refused'; readonly reason: string }

/** What follows from one attempt, by Standard Webhooks 1.0, "Delivery success and failure". */
export function classifyDelivery(result: DeliveryResult): DeliveryVerdict {
  if (result.kind === 'fault') {
    const reason = `${result.code}: ${result.message}`
    return result.code === 'blocked'
      ? { verdict: 'refused', reason }
      : { verdict: 'retry', reason, retryAfterMs: null }
  }
  const { status, retryAfterMs } = result
  if (status >= 200 && status <= 299) return { verdict: 'delivered' }
  if (status === 410) return { verdict: 'gone', reason: 'the receiver answered 410 Gone' }
  return {
    verdict: 'retry',
    reason: `the receiver answered ${status}`,
    retryAfterMs: status === 429 || status === 503 ? retryAfterMs : null,
  }
}
