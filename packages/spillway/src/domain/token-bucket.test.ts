import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  msUntilFull,
  msUntilTokens,
  RATE_DEBT_MAX,
  type RateLimit,
  returnTokens,
  spendTokens,
  type TokenBucket,
  takeTokens,
} from './token-bucket.js'

const TEN_PER_SECOND: RateLimit = { limit: 10, perMs: 1_000 }
const START = 1_700_000_000_000

const rates = fc.record({
  limit: fc.integer({ min: 1, max: 1_000 }),
  perMs: fc.integer({ min: 1, max: 100_000 }),
  burst: fc.integer({ min: 1, max: 2_000 }),
})

describe('taking tokens', () => {
  it('begins with a full bucket and grants what is there', () => {
    const first = takeTokens(null, TEN_PER_SECOND, 4, START)
    expect(first).toMatchObject({ granted: 4, retryAfterMs: 0 })
    expect(takeTokens(first.bucket, TEN_PER_SECOND, 500, START)).toMatchObject({
      granted: 6,
      retryAfterMs: 100,
    })
  })

  it('fills with time, up to the burst', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 10, START)
    expect(takeTokens(bucket, TEN_PER_SECOND, 10, START + 299).granted).toBe(2)
    expect(takeTokens(bucket, TEN_PER_SECOND, 10, START + 300).granted).toBe(3)
    expect(takeTokens(bucket, TEN_PER_SECOND, 99, START + 86_400_000).granted).toBe(10)
    const larger = { ...TEN_PER_SECOND, burst: 25 }
    expect(takeTokens(bucket, larger, 99, START + 86_400_000).granted).toBe(25)
  })

  it('asks nobody to wait who got all', () => {
    expect(takeTokens(null, TEN_PER_SECOND, 10, START)).toMatchObject({ granted: 10, retryAfterMs: 0 })
  })

  it('takes no part of a millisecond for a whole one', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 10, START + 0.9)
    expect(takeTokens(bucket, TEN_PER_SECOND, 1, START + 99.9)).toMatchObject({ granted: 0, retryAfterMs: 1 })
    expect(takeTokens(bucket, TEN_PER_SECOND, 1, START + 100).granted).toBe(1)
  })

  it('grants nothing for nothing', () => {
    expect(takeTokens(null, TEN_PER_SECOND, 0, START)).toMatchObject({ granted: 0, retryAfterMs: 0 })
  })

  it('carries the level over to a rate of another period', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 5, START)
    expect(takeTokens(bucket, { limit: 600, perMs: 60_000 }, 99, START).granted).toBe(5)
    // 2.5 tokens are 7.5 thirds of a second's worth in the new count: what does not fit is not made up.
    const { bucket: half } = takeTokens(null, { limit: 5, perMs: 2 }, 2, START)
    expect(takeTokens({ ...half, level: 5 }, { limit: 5, perMs: 3 }, 0, START).bucket.level).toBe(7)
  })

  it('shrinks to a burst that was lowered', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 1, START)
    expect(takeTokens(bucket, { ...TEN_PER_SECOND, burst: 2 }, 99, START).granted).toBe(2)
  })

  it('grants in any interval at most the burst and what flowed in, whatever is asked and however the clock stutters', () => {
    const steps = fc.array(
      fc.record({ stepMs: fc.integer({ min: -500, max: 3_000 }), want: fc.integer({ min: 0, max: 300 }) }),
      { minLength: 1, maxLength: 60 },
    )
    fc.assert(
      fc.property(rates, steps, (rate, asked) => {
        let bucket: TokenBucket | null = null
        let now = START
        const grants: { at: number; granted: number }[] = []
        for (const { stepMs, want } of asked) {
          now += stepMs
          const grant = takeTokens(bucket, rate, want, now)
          bucket = grant.bucket
          grants.push({ at: grant.bucket.at, granted: grant.granted })
          expect(grant.granted).toBeLessThanOrEqual(want)
        }
        for (const [index, from] of grants.entries()) {
          let granted = 0
          for (const to of grants.slice(index)) {
            granted += to.granted
            // Whole numbers on both sides: one token too many in a day would show.
            expect(granted * rate.perMs).toBeLessThanOrEqual(
              rate.burst * rate.perMs + (to.at - from.at) * rate.limit,
            )
          }
        }
      }),
    )
  })

  it('grants exactly the rate to who asks often, with nothing lost to rounding', () => {
    const often = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 50, maxLength: 200 })
    fc.assert(
      fc.property(rates, often, (rate, steps) => {
        // A bucket that never overflows between two steps.
        const wide = { ...rate, burst: rate.limit * 50 }
        let now = START
        const drained = takeTokens(null, wide, wide.burst, now)
        let { bucket } = drained
        expect(drained.granted).toBe(wide.burst)
        let granted = 0
        for (const stepMs of steps) {
          now += stepMs
          const grant = takeTokens(bucket, wide, wide.burst, now)
          bucket = grant.bucket
          granted += grant.granted
        }
        expect(granted).toBe(Math.floor(((now - START) * wide.limit) / wide.perMs))
      }),
    )
  })

  it('says to the millisecond when the next token is there', () => {
    fc.assert(
      fc.property(rates, fc.integer({ min: 0, max: 5_000 }), (rate, laterMs) => {
        const { bucket } = takeTokens(null, rate, rate.burst, START)
        const { bucket: left, retryAfterMs } = takeTokens(bucket, rate, 10_000, START + laterMs)
        const at = START + laterMs + retryAfterMs
        expect(takeTokens(left, rate, 1, at).granted).toBe(1)
        expect(takeTokens(left, rate, 1, at - 1).granted).toBe(0)
      }),
    )
  })
})

describe('waiting for tokens', () => {
  it('counts what is there already, and waits for a full bucket at most', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 8, START)
    expect(msUntilTokens(bucket, TEN_PER_SECOND, 1, START)).toBe(0)
    expect(msUntilTokens(bucket, TEN_PER_SECOND, 2, START)).toBe(0)
    expect(msUntilTokens(bucket, TEN_PER_SECOND, 2, START - 50)).toBe(0)
    expect(msUntilTokens(bucket, TEN_PER_SECOND, 5, START)).toBe(300)
    expect(msUntilTokens(bucket, TEN_PER_SECOND, 500, START)).toBe(800)
    expect(msUntilFull(bucket, TEN_PER_SECOND, START)).toBe(800)
    expect(msUntilTokens(null, TEN_PER_SECOND, 500, START)).toBe(0)
  })

  it('waits for a clock that is a little behind to catch up, too', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 10, START)
    const early = takeTokens(bucket, TEN_PER_SECOND, 1, START - 50)
    expect(early).toMatchObject({ granted: 0, retryAfterMs: 150 })
  })

  it('is not held up by a bucket from a clock that was far ahead', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 10, START + 3_600_000)
    const grant = takeTokens(bucket, TEN_PER_SECOND, 1, START)
    expect(grant.retryAfterMs).toBe(100)
    expect(takeTokens(grant.bucket, TEN_PER_SECOND, 1, START + 100).granted).toBe(1)
  })
})

describe('spending and returning', () => {
  it('takes a debt off what flows in next', () => {
    const bucket = spendTokens(null, TEN_PER_SECOND, 25, START)
    expect(takeTokens(bucket, TEN_PER_SECOND, 1, START)).toMatchObject({ granted: 0, retryAfterMs: 1_600 })
    expect(takeTokens(bucket, TEN_PER_SECOND, 1, START + 1_599).granted).toBe(0)
    expect(takeTokens(bucket, TEN_PER_SECOND, 1, START + 1_600).granted).toBe(1)
  })

  it('remembers no more debt than a million tokens', () => {
    let bucket = spendTokens(null, TEN_PER_SECOND, RATE_DEBT_MAX, START)
    bucket = spendTokens(bucket, TEN_PER_SECOND, RATE_DEBT_MAX, START)
    expect(msUntilTokens(bucket, TEN_PER_SECOND, 1, START)).toBe((RATE_DEBT_MAX + 1) * 100)
  })

  it('makes a return undo a take, and never more than a full bucket', () => {
    const { bucket } = takeTokens(null, TEN_PER_SECOND, 7, START)
    expect(
      takeTokens(returnTokens(bucket, TEN_PER_SECOND, 3, START), TEN_PER_SECOND, 99, START).granted,
    ).toBe(6)
    expect(
      takeTokens(returnTokens(bucket, TEN_PER_SECOND, 50, START), TEN_PER_SECOND, 99, START).granted,
    ).toBe(10)
  })

  it('keeps the long-run average with overshoots and returns mixed in', () => {
    const action = fc.record({
      kind: fc.constantFrom('take', 'spend', 'return'),
      count: fc.integer({ min: 0, max: 100 }),
      stepMs: fc.integer({ min: 0, max: 2_000 }),
    })
    fc.assert(
      fc.property(rates, fc.array(action, { maxLength: 60 }), (rate, actions) => {
        let bucket = spendTokens(null, rate, 0, START)
        let now = START
        let used = 0
        let overdrawn = 0
        for (const { kind, count, stepMs } of actions) {
          now += stepMs
          if (kind === 'take') {
            const grant = takeTokens(bucket, rate, count, now)
            bucket = grant.bucket
            used += grant.granted
          } else if (kind === 'spend') {
            bucket = spendTokens(bucket, rate, count, now)
            used += count
          } else {
            const back = Math.min(count, used)
            bucket = returnTokens(bucket, rate, back, now)
            used -= back
          }
          overdrawn = Math.max(0, -bucket.level)
          expect(used * rate.perMs).toBeLessThanOrEqual(
            rate.burst * rate.perMs + (now - START) * rate.limit + overdrawn,
          )
        }
      }),
    )
  })
})
