import { describe, expect, it } from 'vitest'
import { backoffMs, spreadMs } from './backoff.js'

describe('backoff', () => {
  const exponential = { type: 'exponential', delayMs: 100, maxMs: 60_000, jitter: 'full' } as const

  it('doubles up to the cap', () => {
    const none = { ...exponential, jitter: 'none' } as const
    expect([1, 2, 3, 4, 11, 5_000].map((attempt) => backoffMs(none, attempt, 0))).toEqual([
      100, 200, 400, 800, 60_000, 60_000,
    ])
  })

  it('spreads over the whole interval with full jitter', () => {
    expect(backoffMs(exponential, 3, 0)).toBe(0)
    expect(backoffMs(exponential, 3, 0.5)).toBe(200)
    expect(backoffMs(exponential, 3, 0.999)).toBe(400)
  })

  it('stays the same when fixed', () => {
    expect(backoffMs({ type: 'fixed', delayMs: 250, maxMs: 60_000, jitter: 'none' }, 9, 0.3)).toBe(250)
  })

  it('spreads a pause over its second half', () => {
    expect([0, 0.5, 0.999].map((random) => Math.round(spreadMs(1_000, random)))).toEqual([500, 750, 1_000])
  })
})
