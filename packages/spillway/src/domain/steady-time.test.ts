import { describe, expect, it } from 'vitest'
import { CLOCK_SKEW_MS_MAX } from './limits.js'
import { steadyNow } from './steady-time.js'

describe('steady time', () => {
  it('follows the clock forward', () => {
    expect(steadyNow(1_000, 1_000)).toBe(1_000)
    expect(steadyNow(1_000, 99_000)).toBe(99_000)
  })

  it('stands still while the clock is a little behind', () => {
    expect(steadyNow(100_000, 99_999)).toBe(100_000)
    expect(steadyNow(100_000, 100_000 - CLOCK_SKEW_MS_MAX)).toBe(100_000)
  })

  it('goes back with a clock that went back further than clocks may differ', () => {
    expect(steadyNow(100_000, 99_999 - CLOCK_SKEW_MS_MAX)).toBe(99_999 - CLOCK_SKEW_MS_MAX)
  })
})
