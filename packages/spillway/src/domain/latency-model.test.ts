import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { expectedMs, faster, type LatencyModel, learnedFrom, NO_LATENCY_MODEL } from './latency-model.js'

const learned = (batches: readonly (readonly [commands: number, ms: number])[]): LatencyModel =>
  batches.reduce((model, [commands, ms]) => learnedFrom(model, commands, ms), NO_LATENCY_MODEL)

describe('the latency model', () => {
  it('expects nothing before it saw anything', () => {
    expect(expectedMs(NO_LATENCY_MODEL, 10)).toBeNull()
  })

  it('finds the fixed cost and the cost per command', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000 }),
        fc.integer({ min: 0, max: 100 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 2, maxLength: 60 }),
        fc.integer({ min: 1, max: 1_000 }),
        (fixed, perCommand, sizes, asked) => {
          const model = learned(sizes.map((commands) => [commands, fixed + perCommand * commands]))
          const expected = fixed + perCommand * asked
          expect(expectedMs(model, asked)).toBeCloseTo(expected, Math.max(0, 3 - Math.log10(expected + 1)))
        },
      ),
    )
  })

  it('splits the cost evenly as long as all batches were of one size', () => {
    const model = learned([
      [100, 50],
      [100, 50],
    ])
    expect(expectedMs(model, 100)).toBe(50)
    expect(expectedMs(model, 300)).toBe(100)
    expect(expectedMs(model, 20)).toBe(30)
  })

  it('does not take rounding for a difference in size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(fc.double({ min: 1, max: 1_000, noNaN: true }), { minLength: 1, maxLength: 100 }),
        (commands, durations) => {
          const model = learned(durations.map((ms) => [commands, ms]))
          const mean = expectedMs(model, commands) ?? 0
          expect((expectedMs(model, 3 * commands) ?? 0) / mean).toBeCloseTo(2, 6)
        },
      ),
    )
  })

  it('never takes larger batches for quicker, nor a batch for free', () => {
    const quickerWhenLarge = learned([
      [1, 100],
      [500, 10],
    ])
    expect(expectedMs(quickerWhenLarge, 500)).toBe(expectedMs(quickerWhenLarge, 1))
    const slowerThanLinear = learned([
      [10, 1],
      [100, 1_000],
    ])
    expect(expectedMs(slowerThanLinear, 1)).toBeGreaterThan(0)
  })

  it('forgets: what became normal is normal after a hundred batches', () => {
    const model = learned([
      ...Array.from({ length: 200 }, () => [10, 20] as const),
      ...Array.from({ length: 100 }, () => [10, 80] as const),
    ])
    expect(expectedMs(model, 10)).toBeGreaterThan(75)
  })

  it('expects a tenth less of any batch when told that all became faster', () => {
    const model = learned([
      [10, 40],
      [100, 400],
      [50, 210],
    ])
    for (const commands of [1, 10, 100]) {
      expect(expectedMs(faster(model), commands)).toBeCloseTo(0.9 * (expectedMs(model, commands) ?? 0), 9)
    }
  })
})
