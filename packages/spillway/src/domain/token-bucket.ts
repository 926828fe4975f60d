// A rate limit as a token bucket: one token per command, taken in bulk when chunks are claimed, shared by all processes as a
// small value in the store. The level is counted in token * ms, so a refill of `elapsed * limit` and a price of `perMs` are
// whole numbers: nothing is rounded, so nothing drifts however often the bucket is read.

import { steadyNow } from './steady-time.js'

/** Tokens per period, and tokens in a burst. */
export const RATE_TOKENS_MAX = 1_000_000
/** The longest period of a rate: a day. With the limit above, every level is a safe integer. */
export const RATE_PER_MS_MAX = 86_400_000
/** Tokens that a bucket may be overdrawn by; what is spent beyond is not remembered. */
export const RATE_DEBT_MAX = 1_000_000

/** All whole numbers of at least 1. */
export interface RateLimit {
  /** Tokens per period, at most RATE_TOKENS_MAX. */
  readonly limit: number
  /** The period, at most RATE_PER_MS_MAX. */
  readonly perMs: number
  /** Tokens that gather while none are taken, at most RATE_TOKENS_MAX; default: those of one period. */
  readonly burst?: number
}

export interface TokenBucket {
  /** Tokens times `perMs`; negative = overdrawn. */
  readonly level: number
  /** The period the level is counted in: processes with an old and a new configuration may share a bucket for a while. */
  readonly perMs: number
  /** When the level was right, ms since the epoch. */
  readonly at: number
}

export interface TokenGrant {
  readonly bucket: TokenBucket
  /** 0 to what was wanted. */
  readonly granted: number
  /** When there is one more token; 0 when all were granted. For more at once ask `msUntilTokens`. */
  readonly retryAfterMs: number
}

/** Takes as many of the wanted tokens as there are. No bucket yet is a full one. */
export function takeTokens(
  bucket: TokenBucket | null,
  rate: RateLimit,
  want: number,
  now: number,
): TokenGrant {
  const filled = refilled(bucket, rate, now)
  const granted = Math.max(0, Math.min(want, Math.floor(filled.level / rate.perMs)))
  const left = { ...filled, level: filled.level - granted * rate.perMs }
  return { bucket: left, granted, retryAfterMs: granted < want ? msUntilTokens(left, rate, 1, now) : 0 }
}

/** Takes tokens whether they are there or not: what ran anyway, because its chunk was larger than what had been granted. */
export function spendTokens(
  bucket: TokenBucket | null,
  rate: RateLimit,
  count: number,
  now: number,
): TokenBucket {
  const filled = refilled(bucket, rate, now)
  return { ...filled, level: Math.max(filled.level - count * rate.perMs, -RATE_DEBT_MAX * rate.perMs) }
}

/** Gives back tokens that were taken and not used. */
export function returnTokens(bucket: TokenBucket, rate: RateLimit, count: number, now: number): TokenBucket {
  const filled = refilled(bucket, rate, now)
  return { ...filled, level: Math.min(filled.level + count * rate.perMs, capacity(rate)) }
}

/** ms until so many tokens are there (at most a full bucket of them), if nobody else takes any. Gathering some before asking again saves asking. */
export function msUntilTokens(
  bucket: TokenBucket | null,
  rate: RateLimit,
  tokens: number,
  now: number,
): number {
  const filled = refilled(bucket, rate, now)
  const missing = Math.min(tokens * rate.perMs, capacity(rate)) - filled.level
  if (missing <= 0) return 0
  // The bucket's time is ahead of a clock that stepped back a little: nothing flows until it is reached.
  return Math.ceil(missing / rate.limit) + (filled.at - Math.floor(now))
}

/** ms after which the bucket is full again, so that forgetting it changes nothing: how long a store must keep it. */
export function msUntilFull(bucket: TokenBucket, rate: RateLimit, now: number): number {
  return msUntilTokens(bucket, rate, rate.burst ?? rate.limit, now)
}

function capacity(rate: RateLimit): number {
  return (rate.burst ?? rate.limit) * rate.perMs
}

function refilled(bucket: TokenBucket | null, rate: RateLimit, now: number): TokenBucket {
  const wholeNow = Math.floor(now)
  if (bucket === null) return { level: capacity(rate), perMs: rate.perMs, at: wholeNow }
  const at = steadyNow(bucket.at, wholeNow)
  const before =
    bucket.perMs === rate.perMs ? bucket.level : Math.floor((bucket.level / bucket.perMs) * rate.perMs)
  const flowed = Math.max(0, at - bucket.at) * rate.limit
  return { level: Math.min(before + flowed, capacity(rate)), perMs: rate.perMs, at }
}
