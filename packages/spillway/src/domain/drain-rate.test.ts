import { describe, expect, it } from 'vitest'
import { DRAIN_MEMORY_MS, type DrainRate, observeDrain } from './drain-rate.js'

const T = 1_700_000_000_000

function observed(perTick: number, tickMs: number, ticks: number, from: DrainRate | null = null): DrainRate {
  let rate = observeDrain(from, 0, from?.at ?? T)
  const startAt = rate.at
  for (let tick = 1; tick <= ticks; tick++) rate = observeDrain(rate, perTick, startAt + tick * tickMs)
  return rate
}

describe('the drain rate', () => {
  it('knows nothing at first', () => {
    expect(observeDrain(null, 500, T)).toEqual({ perSecond: 0, at: T })
  })

  it('comes to the rate of what finishes, however often it is observed', () => {
    expect(observed(50, 1_000, 600).perSecond).toBeCloseTo(50, 3)
    expect(observed(5, 100, 6_000).perSecond).toBeCloseTo(50, 3)
    expect(observed(500, 10_000, 60).perSecond).toBeCloseTo(50, 3)
  })

  it('forgets by about two thirds in its memory', () => {
    const busy = observed(50, 1_000, 600)
    expect(observeDrain(busy, 0, busy.at + DRAIN_MEMORY_MS).perSecond).toBeCloseTo(50 / Math.E, 3)
  })

  it('takes several observations of one moment, or by a clock that is behind, for one', () => {
    const rate = observeDrain(observeDrain(null, 0, T), 0, T + 1_000)
    const twice = observeDrain(observeDrain(rate, 30, T + 1_000), 30, T + 500)
    expect(twice).toEqual({ perSecond: 2, at: T + 1_000 })
  })
})
