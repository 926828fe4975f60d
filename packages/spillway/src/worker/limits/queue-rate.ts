// The rate limit of one queue as this process takes part in it. Tokens are taken in bulk before a claim from a bucket that all
// processes share; what a claim did not use is kept for the next one for a moment and then given back, and what it used beyond becomes
// debt of the bucket.

import type { ResolvedRate } from '../../config/index.js'
import {
  msUntilTokens,
  RESERVED_PREFIX,
  returnTokens,
  spendTokens,
  type TokenBucket,
  takeTokens,
} from '../../domain/index.js'
import type { Cancel, Clock, StoreShared, Telemetry } from '../../ports/index.js'
import { changeShared } from '../shared-change.js'
import { bucketChange, parseBucket } from './shared-bucket.js'

/** How long unused tokens are kept from other processes at most. */
export const TOKENS_KEPT_MS = 1_000
/** Tokens of so much time are let gather before a claim is made for them: one claim per token would be many. */
const GATHER_MS = 50
/** Others may give back what they did not use: a long wait looks again after this. */
const LOOK_AGAIN_MS = 1_000

export interface QueueRateOptions {
  readonly queue: string
  readonly rate: ResolvedRate
  readonly shared: Pick<StoreShared, 'read' | 'write'>
  readonly clock: Pick<Clock, 'schedule'>
  readonly telemetry: Telemetry
}

export interface Grant {
  /** 0 to what was wanted. */
  readonly granted: number
  /** When to ask again if nothing was granted. */
  readonly waitMs: number
}

const NOTHING_YET: Grant = Object.freeze({ granted: 0, waitMs: GATHER_MS })

export class QueueRate {
  readonly #options: QueueRateOptions
  readonly #key: string
  /** Taken and not used; negative = used and not taken. */
  #kept = 0
  #cancelReturn: Cancel | null = null
  #closed = false

  constructor(options: QueueRateOptions) {
    this.#options = options
    this.#key = rateKeyOf(options.queue)
  }

  /** Rejects when the store fails: nothing could be claimed then either. */
  async take(want: number): Promise<Grant> {
    if (this.#kept >= want) {
      this.#kept -= want
      return { granted: want, waitMs: 0 }
    }
    const { rate } = this.#options
    let grant: Grant = NOTHING_YET
    const isChanged = await this.#change((bucket, now) => {
      const { bucket: left, granted } = takeTokens(bucket, rate, want, now)
      grant = { granted, waitMs: granted > 0 ? 0 : this.#waitMs(left, want, now) }
      return left
    })
    return isChanged ? grant : NOTHING_YET
  }

  /** What became of tokens that were granted. */
  settle(granted: number, used: number): void {
    this.#kept += granted - used
    if (this.#kept < 0) void this.#even()
    else if (this.#kept > 0) this.#returnSoon()
  }

  /** Gives back, or owns up to, what the bucket does not know of yet. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancelReturn?.()
    if (this.#kept !== 0) await this.#even()
  }

  #returnSoon(): void {
    if (this.#closed) return
    this.#cancelReturn ??= this.#options.clock.schedule(TOKENS_KEPT_MS, () => {
      this.#cancelReturn = null
      if (this.#kept !== 0) void this.#even()
    })
  }

  async #even(): Promise<void> {
    try {
      await this.#change((bucket) => bucket)
    } catch (error) {
      this.#options.telemetry.record({ event: 'fault', where: 'worker.rate_limit', error })
    }
    if (this.#kept !== 0) this.#returnSoon()
  }

  /** Brings the bucket up to date with what is kept, and on. False when others were always faster: then nothing has changed. */
  async #change(next: (bucket: TokenBucket | null, now: number) => TokenBucket | null): Promise<boolean> {
    const { rate, shared } = this.#options
    const kept = this.#kept
    this.#kept = 0
    let isChanged = false
    try {
      const left = await changeShared(shared, [this.#key], (_, text, now) => {
        const bucket = next(evened(parseBucket(text), rate, kept, now), now)
        return bucket === null ? null : bucketChange(bucket, rate, now)
      })
      isChanged = left.length === 0
      return isChanged
    } finally {
      if (!isChanged) this.#kept += kept
    }
  }

  #waitMs(bucket: TokenBucket, want: number, now: number): number {
    const { rate } = this.#options
    const gathered = Math.max(1, Math.floor((rate.limit * GATHER_MS) / rate.perMs))
    return Math.min(msUntilTokens(bucket, rate, Math.min(want, gathered), now), LOOK_AGAIN_MS)
  }
}

export function rateKeyOf(queue: string): string {
  return `${RESERVED_PREFIX}rate/${queue}`
}

function evened(
  bucket: TokenBucket | null,
  rate: ResolvedRate,
  kept: number,
  now: number,
): TokenBucket | null {
  if (kept < 0) return spendTokens(bucket, rate, -kept, now)
  return kept > 0 && bucket !== null ? returnTokens(bucket, rate, kept, now) : bucket
}
