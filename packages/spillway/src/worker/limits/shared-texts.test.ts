import { describe, expect, it } from 'vitest'
import { DEFAULT_BREAKER, recordOutcomes, takeTokens } from '../../domain/index.js'
import { breakerChange, parseBreaker } from './shared-breaker.js'
import { bucketChange, parseBucket } from './shared-bucket.js'

const NOW = 1_767_225_600_000
const RATE = { limit: 10, perMs: 1_000, burst: 10 }
const OPEN = recordOutcomes(null, DEFAULT_BREAKER, { ok: 0, failed: 20, probe: false }, NOW)

describe('what processes share', () => {
  it('is a bucket that comes back as it was, and is kept until it is full again', () => {
    const { bucket } = takeTokens(null, RATE, 10, NOW)
    const { value, ttlMs } = bucketChange(bucket, RATE, NOW)
    expect(parseBucket(value)).toEqual(bucket)
    expect(ttlMs).toBeGreaterThan(1_000)
  })

  it('is a breaker that comes back as it was, closed or open', () => {
    const closed = recordOutcomes(null, DEFAULT_BREAKER, { ok: 3, failed: 1, probe: false }, NOW)
    for (const breaker of [closed, OPEN]) {
      const { value, ttlMs } = breakerChange(breaker, DEFAULT_BREAKER)
      expect(parseBreaker(value)).toEqual(breaker)
      expect(ttlMs).toBeGreaterThan(DEFAULT_BREAKER.windowMs)
    }
  })

  it.each([
    '',
    'null',
    '[]',
    '7',
    '{',
    '{"level":"much"}',
    '{"level":1,"perMs":0,"at":1}',
    '{"state":"ajar"}',
  ])('is nothing when it reads %j', (text) => {
    expect([parseBucket(text), parseBreaker(text)]).toEqual([null, null])
  })
})
