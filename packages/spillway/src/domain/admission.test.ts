import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ADMIT_ALL, type AdmissionPolicy, admit, type QueueLoad } from './admission.js'

const POLICY: AdmissionPolicy = { maxDepth: 1_000, maxBytes: 1_000_000, maxAgeMs: 60_000 }
const load = (over: Partial<QueueLoad>): QueueLoad => ({
  depth: 500,
  bytes: 500_000,
  oldestAgeMs: 30_000,
  ...over,
})

describe('admission', () => {
  it('takes what fits', () => {
    expect(admit(load({}), POLICY, 100)).toBe('ok')
    expect(admit(load({ depth: 999, bytes: 999_999, oldestAgeMs: 59_999 }), POLICY, 100)).toBe('ok')
    expect(admit(load({ depth: 1e12, bytes: 1e15, oldestAgeMs: 1e12 }), ADMIT_ALL, 0)).toBe('ok')
  })

  it('refuses once a limit is reached, and says which', () => {
    expect(admit(load({ depth: 1_000 }), POLICY, 100)).toMatchObject({ reason: 'depth' })
    expect(admit(load({ bytes: 1_000_000 }), POLICY, 100)).toMatchObject({ reason: 'bytes' })
    expect(admit(load({ oldestAgeMs: 60_000 }), POLICY, 100)).toMatchObject({ reason: 'age' })
  })

  it('tells the caller to come back when the surplus will be gone', () => {
    expect(admit(load({ depth: 1_500 }), POLICY, 50)).toEqual({ reason: 'depth', retryAfterMs: 10_000 })
    expect(admit(load({ depth: 1_100 }), POLICY, 3)).toMatchObject({ retryAfterMs: 33_334 })
    // A fifth of the bytes too many: a fifth of the 500 commands must go.
    expect(admit(load({ bytes: 1_250_000 }), POLICY, 50)).toEqual({ reason: 'bytes', retryAfterMs: 2_000 })
    // A quarter of its age too old: a quarter of the line must go.
    expect(admit(load({ oldestAgeMs: 80_000 }), POLICY, 50)).toEqual({ reason: 'age', retryAfterMs: 2_500 })
  })

  it('waits at least a second and at most a minute, also where nothing finishes', () => {
    expect(admit(load({ depth: 1_000 }), POLICY, 1_000)).toMatchObject({ retryAfterMs: 1_000 })
    expect(admit(load({ depth: 1_000_000 }), POLICY, 10)).toMatchObject({ retryAfterMs: 60_000 })
    expect(admit(load({ depth: 1_000 }), POLICY, 0)).toMatchObject({ retryAfterMs: 60_000 })
  })

  it('names the limit that will take longest', () => {
    const everything = load({ depth: 1_100, bytes: 2_000_000, oldestAgeMs: 61_000 })
    expect(admit(everything, POLICY, 50)).toEqual({ reason: 'bytes', retryAfterMs: 11_000 })
    const level = load({ depth: 1_000, bytes: 1_000_000, oldestAgeMs: 60_000 })
    expect(admit(level, POLICY, 50)).toMatchObject({ reason: 'depth' })
  })

  it('asks for whole milliseconds within its bounds, and never for less when more waits', () => {
    const loads = fc.record({
      depth: fc.integer({ min: 0, max: 10_000_000 }),
      bytes: fc.integer({ min: 0, max: 10_000_000_000 }),
      oldestAgeMs: fc.integer({ min: 0, max: 100_000_000 }),
    })
    const rate = fc.double({ min: 0, max: 100_000, noNaN: true })
    const retryAfter = (verdict: ReturnType<typeof admit>) => (verdict === 'ok' ? 0 : verdict.retryAfterMs)
    fc.assert(
      fc.property(loads, rate, fc.integer({ min: 0, max: 1_000_000 }), (waiting, perSecond, more) => {
        const now = retryAfter(admit(waiting, POLICY, perSecond))
        if (now > 0) {
          expect(Number.isInteger(now)).toBe(true)
          expect(now).toBeGreaterThanOrEqual(1_000)
          expect(now).toBeLessThanOrEqual(60_000)
        }
        const deeper = { ...waiting, depth: waiting.depth + more }
        expect(retryAfter(admit(deeper, POLICY, perSecond))).toBeGreaterThanOrEqual(now)
      }),
    )
  })
})
