import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AdaptiveLimit,
  type AdaptiveLimitPolicy,
  DEFAULT_ADAPTIVE_LIMIT,
  DIP_EVERY_MS,
  DIP_SAMPLES,
  observe,
  startLimit,
  underPressure,
} from './adaptive-limit.js'
import type { LimitSample } from './limit-window.js'

const POLICY: AdaptiveLimitPolicy = { ...DEFAULT_ADAPTIVE_LIMIT, max: 100, initial: 10 }

describe('the adaptive limit, step by step', () => {
  const START = 1_000_000
  const call = (over: Partial<LimitSample> = {}): LimitSample => ({
    durationMs: 10,
    commands: 1,
    inFlight: 20,
    outcome: 'ok',
    ...over,
  })
  const fed = (state: AdaptiveLimit, sample: LimitSample, times: number, at = START): AdaptiveLimit => {
    let next = state
    for (let index = 0; index < times; index++) next = observe(next, POLICY, sample, at)
    return next
  }
  const at20 = startLimit({ ...POLICY, initial: 20 }, START)
  /** A window of calls that use the limit ends when a dip is due. */
  const dipping = fed(at20, call(), 1, START + DIP_EVERY_MS)

  it('a window is as many calls as the limit, and ten at least', () => {
    expect(fed(at20, call(), 19).estimate).toBe(20)
    expect(fed(at20, call(), 20)).toMatchObject({ limit: 20, reason: null })
    expect(fed(at20, call(), 41)).toMatchObject({ limit: 21, reason: 'recovered' })
    expect(fed(at20, call(), 20).estimate).toBeCloseTo(20 + 0.2 * Math.sqrt(20), 9)
    const at4 = startLimit({ ...POLICY, initial: 4 }, START)
    expect(fed(at4, call(), 9).estimate).toBe(4)
    expect(fed(at4, call(), 10).estimate).toBeGreaterThan(4)
  })

  it('failures take off half their share, and the limit is what is whole of the rest', () => {
    const at10 = startLimit({ ...POLICY, initial: 10 }, START)
    const half = fed(fed(at10, call({ inFlight: 1 }), 5), call({ inFlight: 1, outcome: 'error' }), 5)
    expect(half).toMatchObject({ estimate: 7.5, limit: 7, reason: 'errors' })
    expect(startLimit({ ...POLICY, initial: 7.9 }, START).limit).toBe(7)
  })

  it('a dip begins when it is due, if at least half the limit is in use', () => {
    expect(fed(at20, call(), 1, START + DIP_EVERY_MS - 1).dip).toBeNull()
    expect(dipping).toMatchObject({ limit: 5, dip: { samples: 0, light: 0 } })
    const used = fed(at20, call({ inFlight: 11, outcome: 'error' }), 1, START + DIP_EVERY_MS)
    expect(used).toMatchObject({ estimate: 18, limit: 4 })
    const unused = fed(at20, call({ inFlight: 9 }), 1, START + DIP_EVERY_MS)
    expect(unused).toMatchObject({ limit: 20, dip: null, dipDueAt: START + 2 * DIP_EVERY_MS })
  })

  it('ten light calls end it, and no others count', () => {
    const at = START + DIP_EVERY_MS + 5
    const mixed = fed(fed(dipping, call({ inFlight: 6 }), 15, at), call({ inFlight: 5 }), 9, at)
    expect(mixed).toMatchObject({ limit: 5, dip: { samples: 24, light: 9 } })
    const failing = fed(mixed, call({ inFlight: 5, outcome: 'error' }), 3, at)
    expect(failing).toMatchObject({ limit: 5, dip: { light: 9 }, window: { ok: 0, errors: 3 } })
    const over = fed(failing, call({ inFlight: 5 }), 1, at)
    expect(over).toMatchObject({ limit: 20, dip: null, dipDueAt: at + DIP_EVERY_MS })
    expect(over.window).toMatchObject({ since: at, ok: 0, errors: 3 })
  })

  it('so does having waited in vain for light calls', () => {
    const calls = Math.ceil(2 * (dipping.estimate + DIP_SAMPLES))
    const at = START + DIP_EVERY_MS + 5
    expect(fed(dipping, call(), calls - 1, at).dip).not.toBeNull()
    expect(fed(dipping, call(), calls, at).dip).toBeNull()
  })

  it('a clock that is a little behind is waited for, one that went far back is followed', () => {
    expect(fed(dipping, call(), 1, START + DIP_EVERY_MS - 500).at).toBe(START + DIP_EVERY_MS)
    const back = fed(dipping, call(), 1, START - 3_600_000)
    expect(back).toMatchObject({
      at: START - 3_600_000,
      dip: null,
      dipDueAt: START - 3_600_000 + DIP_EVERY_MS,
      window: { since: START - 3_600_000 },
    })
  })
})

describe('at any time', () => {
  it('pressure within the process takes off a tenth', () => {
    expect(underPressure(startLimit({ ...POLICY, initial: 20 }, 0), POLICY)).toMatchObject({
      limit: 18,
      reason: 'pressure',
    })
  })

  it('the limit is a whole number between min and max, whatever is observed', () => {
    const sample = fc.record({
      durationMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e9, noNaN: true })),
      commands: fc.integer({ min: 1, max: 1_000 }),
      inFlight: fc.integer({ min: 1, max: 1_000 }),
      outcome: fc.constantFrom('ok', 'ok', 'ok', 'error', 'timeout'),
      stepMs: fc.integer({ min: -10_000, max: 10_000 }),
    }) satisfies fc.Arbitrary<LimitSample & { stepMs: number }>
    const bounds = fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 100 }))
    fc.assert(
      fc.property(bounds, fc.array(sample, { maxLength: 150 }), ([min, more], samples) => {
        const policy = { ...POLICY, min, max: min + more, latencyMaxMs: 1_000 }
        let now = 1_000_000
        let state = startLimit(policy, now)
        const limits = new Set([state.limit])
        for (const { stepMs, ...one } of samples) {
          now += stepMs
          state = observe(state, policy, one, now)
          limits.add(state.limit)
        }
        expect(
          [...limits].filter((limit) => !(Number.isInteger(limit) && limit >= min && limit <= min + more)),
        ).toEqual([])
        expect(JSON.parse(JSON.stringify(state))).toEqual(state)
      }),
    )
  })
})
