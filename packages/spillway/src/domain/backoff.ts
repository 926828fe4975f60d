// Waiting before the next attempt. Full jitter (uniform in [0, cap]) spreads a thundering herd best for the least
// total work: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

export interface Backoff {
  readonly type: 'exponential' | 'fixed'
  /** Delay before the second attempt, in ms. */
  readonly delayMs: number
  /** Upper bound of any delay, in ms. */
  readonly maxMs: number
  readonly jitter: 'full' | 'none'
}

/** Milliseconds to wait after attempt number `attempt` (the first attempt is 1) failed. `random` is in [0, 1). */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  // Beyond 2^52 the product is meaningless long after the cap applies; the exponent is bounded so it cannot overflow.
  const factor = backoff.type === 'exponential' ? 2 ** Math.min(Math.max(attempt - 1, 0), 52) : 1
  const capped = Math.min(backoff.delayMs * factor, backoff.maxMs)
  return Math.round(backoff.jitter === 'full' ? capped * random : capped)
}

/** Between half and all of a pause: spread out, and never at once. `random` is in [0, 1). */
export function spreadMs(pauseMs: number, random: number): number {
  return pauseMs * (0.5 + random / 2)
}
