// A token bucket as the text of a shared value.

import { msUntilFull, type RateLimit, type TokenBucket } from '../../domain/index.js'
import type { SharedChange } from '../shared-change.js'

/** A full bucket need not be remembered; for this long it is all the same, for clocks that differ. */
const BUCKET_KEPT_MS = 60_000

/** Null when there is none, or none that this version understands: a full one. */
export function parseBucket(text: string | null): TokenBucket | null {
  if (text === null) return null
  try {
    const { level, perMs, at } = JSON.parse(text) as Partial<TokenBucket>
    const isBucket = Number.isSafeInteger(level) && Number.isSafeInteger(at) && Number(perMs) >= 1
    return isBucket ? ({ level, perMs, at } as TokenBucket) : null
  } catch {
    return null
  }
}

export function bucketChange(bucket: TokenBucket, rate: RateLimit, now: number): SharedChange {
  return { value: JSON.stringify(bucket), ttlMs: msUntilFull(bucket, rate, now) + BUCKET_KEPT_MS }
}
