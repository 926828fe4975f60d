import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  BREAKER_SLICES_MAX,
  type Breaker,
  beginProbe,
  breakerPhase,
  DEFAULT_BREAKER,
  isBreakerFailure,
  mayRun,
  recordOutcomes,
} from './circuit-breaker.js'
import { CLOCK_SKEW_MS_MAX } from './limits.js'
import { failed, ok, retry, unknown } from './outcome.js'

const POLICY = DEFAULT_BREAKER
const T = 1_700_000_000_000
const calls = (okCalls: number, failedCalls: number) => ({ ok: okCalls, failed: failedCalls, probe: false })
const probe = (okCalls: number, failedCalls: number) => ({ ok: okCalls, failed: failedCalls, probe: true })

const opened = (now = T): Breaker => recordOutcomes(null, POLICY, calls(0, 20), now)

describe('a closed breaker', () => {
  it('lets everything run', () => {
    expect(mayRun(null, POLICY, T)).toBe('run')
    expect(mayRun(recordOutcomes(null, POLICY, calls(1, 1), T), POLICY, T)).toBe('run')
    expect(breakerPhase(null, POLICY, T)).toBe('closed')
  })

  it('opens at the ratio with enough samples, and not one call earlier', () => {
    expect(recordOutcomes(null, POLICY, calls(10, 9), T).state).toBe('closed')
    expect(recordOutcomes(null, POLICY, calls(9, 10), T).state).toBe('closed')
    expect(recordOutcomes(null, POLICY, calls(11, 10), T).state).toBe('closed')
    expect(recordOutcomes(null, POLICY, calls(10, 10), T).state).toBe('open')
    expect(recordOutcomes(null, POLICY, calls(100, 100), T).state).toBe('open')
  })

  it('compares shares exactly', () => {
    const strict = { ...POLICY, failureRatio: 0.07 }
    expect(recordOutcomes(null, strict, calls(93, 7), T).state).toBe('open')
    expect(recordOutcomes(null, strict, calls(94, 6), T).state).toBe('closed')
  })

  it('adds up calls over the window and forgets older ones', () => {
    const before = recordOutcomes(null, POLICY, calls(0, 10), T)
    expect(recordOutcomes(before, POLICY, calls(0, 10), T + 8_999).state).toBe('open')
    const later = recordOutcomes(before, POLICY, calls(0, 10), T + 10_000)
    expect(later.state).toBe('closed')
    expect(later).toMatchObject({ slices: [{ ok: 0, failed: 10 }] })
  })

  it('adds up calls of one moment, and of clocks that differ a little', () => {
    const before = recordOutcomes(null, POLICY, calls(1, 9), T)
    expect(recordOutcomes(before, POLICY, calls(1, 2), T + 400)).toEqual({
      state: 'closed',
      slices: [{ at: T, ok: 2, failed: 11 }],
    })
    expect(recordOutcomes(before, POLICY, calls(0, 10), T).state).toBe('open')
    expect(recordOutcomes(before, POLICY, calls(0, 10), T - 4_000).state).toBe('open')
  })

  it('writes nothing when nothing ended', () => {
    const before = recordOutcomes(null, POLICY, calls(3, 1), T)
    expect(recordOutcomes(before, POLICY, calls(0, 0), T + 1)).toBe(before)
  })

  it('keeps a bounded window whatever happens to clock and policy', () => {
    const step = fc.record({
      stepMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: -20_000, max: 20_000 })),
      windowMs: fc.constantFrom(1, 19, 1_999, 9_999, 60_000),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        let breaker: Breaker | null = null
        let now = T
        for (const { stepMs, windowMs } of steps) {
          now += stepMs
          breaker = recordOutcomes(breaker, { ...POLICY, windowMs }, calls(5, 1), now)
          if (breaker.state !== 'closed') throw new Error('a sixth of failures opened it')
          expect(breaker.slices.length).toBeLessThanOrEqual(BREAKER_SLICES_MAX)
          const times = breaker.slices.map((slice) => slice.at)
          expect(times).toEqual([...times].sort((a, b) => a - b))
        }
      }),
    )
  })

  it('counts every call of the last nine tenths of the window and none older than all of it', () => {
    const policy = { ...POLICY, failureRatio: 1, minSamples: 1_000_000 }
    const steps = fc.array(fc.integer({ min: 0, max: 1_500 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 999 }), (gapsMs, offsetMs) => {
        let breaker: Breaker | null = null
        let now = T + offsetMs
        const ends: number[] = []
        for (const gapMs of gapsMs) {
          now += gapMs
          ends.push(now)
          breaker = recordOutcomes(breaker, policy, calls(1, 0), now)
        }
        const counted =
          breaker?.state === 'closed' ? breaker.slices.reduce((sum, one) => sum + one.ok, 0) : -1
        expect(counted).toBeGreaterThanOrEqual(ends.filter((at) => at > now - 9_000).length)
        expect(counted).toBeLessThanOrEqual(ends.filter((at) => at > now - 10_000).length)
      }),
    )
  })
})

describe('an open breaker', () => {
  it('says how long to wait, then lets probes find out', () => {
    expect(mayRun(opened(), POLICY, T)).toEqual({ waitMs: 5_000 })
    expect(mayRun(opened(), POLICY, T + 4_999)).toEqual({ waitMs: 1 })
    expect(mayRun(opened(), POLICY, T + 4_999.5)).toEqual({ waitMs: 1 })
    expect(breakerPhase(opened(), POLICY, T + 4_999)).toBe('open')
    expect(mayRun(opened(), POLICY, T + 5_000)).toBe('probe')
    expect(breakerPhase(opened(), POLICY, T + 5_000)).toBe('half-open')
  })

  it('takes no notice of calls that end meanwhile', () => {
    const breaker = opened()
    expect(recordOutcomes(breaker, POLICY, calls(500, 0), T + 1)).toBe(breaker)
    expect(recordOutcomes(breaker, POLICY, probe(3, 0), T + 1)).toBe(breaker)
  })

  it('does not wait for a clock that went far back', () => {
    expect(mayRun(opened(T + 3_600_000), POLICY, T)).toBe('probe')
    expect(mayRun(opened(T + 1_000), POLICY, T)).toEqual({ waitMs: 6_000 })
  })
})

describe('a half-open breaker', () => {
  const at = T + 5_000

  it('lets only so many probes run at once, over all processes', () => {
    let breaker = opened()
    for (let begun = 0; begun < POLICY.probes; begun++) {
      expect(mayRun(breaker, POLICY, at)).toBe('probe')
      breaker = beginProbe(breaker, POLICY, at)
    }
    expect(mayRun(breaker, POLICY, at)).toEqual({ waitMs: 1_000 })
    // One too many, begun by somebody who did not ask, takes the place of the oldest.
    expect(beginProbe(breaker, POLICY, at + 1)).toMatchObject({ probing: [at, at, at + 1] })
  })

  it('lets the next one run when a probe went well, until there are enough', () => {
    const two = beginProbe(beginProbe(opened(), POLICY, at), POLICY, at)
    const one = recordOutcomes(two, POLICY, probe(1, 0), at)
    expect(one).toMatchObject({ probesOk: 1, probing: [at] })
    expect(mayRun(one, POLICY, at)).toBe('probe')
    expect(mayRun(beginProbe(one, POLICY, at), POLICY, at)).toEqual({ waitMs: 1_000 })
  })

  it('closes after that many good ones, with a clean slate', () => {
    let breaker = beginProbe(beginProbe(opened(), POLICY, at), POLICY, at)
    breaker = recordOutcomes(breaker, POLICY, probe(1, 0), at + 10)
    breaker = recordOutcomes(breaker, POLICY, probe(1, 0), at + 20)
    expect(breakerPhase(breaker, POLICY, at + 20)).toBe('half-open')
    breaker = recordOutcomes(beginProbe(breaker, POLICY, at + 20), POLICY, probe(1, 0), at + 30)
    expect(breaker).toEqual({ state: 'closed', slices: [] })
    expect(recordOutcomes(breaker, POLICY, calls(0, 19), at + 40).state).toBe('closed')
  })

  it('opens again when one fails, for twice as long each time up to the cap', () => {
    let breaker = opened()
    let now = T
    const waits: unknown[] = []
    for (let round = 0; round < 6; round++) {
      const verdict = mayRun(breaker, POLICY, now)
      waits.push(verdict)
      now += typeof verdict === 'string' ? 0 : verdict.waitMs
      breaker = recordOutcomes(beginProbe(breaker, POLICY, now), POLICY, probe(1, 1), now)
    }
    expect(waits).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000].map((waitMs) => ({ waitMs })))
  })

  it('takes no notice of calls from before it opened', () => {
    const breaker = opened()
    expect(recordOutcomes(breaker, POLICY, calls(0, 7), at)).toBe(breaker)
    expect(recordOutcomes(breaker, POLICY, calls(7, 0), at)).toBe(breaker)
  })

  it('gives the place of a probe that was never heard of to another one', () => {
    let breaker = opened()
    for (let begun = 0; begun < POLICY.probes; begun++) breaker = beginProbe(breaker, POLICY, at)
    expect(mayRun(breaker, POLICY, at + 4_500)).toEqual({ waitMs: 500 })
    expect(mayRun(breaker, POLICY, at + 4_999.5)).toEqual({ waitMs: 1 })
    const spread = [0, 100, 200].reduce((all, ms) => beginProbe(all, POLICY, at + ms), opened())
    expect(mayRun(spread, POLICY, at + 4_500)).toEqual({ waitMs: 500 })
    expect(mayRun(breaker, POLICY, at + 5_000)).toBe('probe')
    expect(beginProbe(breaker, POLICY, at + 5_000)).toMatchObject({ probing: [at + 5_000] })
  })

  it('has nothing to begin once it is closed', () => {
    const closed = recordOutcomes(null, POLICY, calls(1, 0), T)
    expect(beginProbe(closed, POLICY, T)).toBe(closed)
  })
})

/** A clock that went back is waited for as far as clocks may differ, and probes of its other time hold up what they would now. */
const WAITED_MS_MAX = POLICY.openMaxMs + CLOCK_SKEW_MS_MAX + POLICY.probes * 2 * POLICY.openMs

/** What somebody waits who asks, waits as told, and asks again; more than it may be when that has no end. */
function waitedMs(breaker: Breaker, now: number): number {
  let at = now
  while (at - now <= WAITED_MS_MAX) {
    const verdict = mayRun(breaker, POLICY, at)
    if (typeof verdict === 'string') break
    at += verdict.waitMs
  }
  return at - now
}

describe('any breaker', () => {
  it('survives JSON, never says to wait for longer than openMaxMs, and bars no type for good', () => {
    const event = fc.record({
      kind: fc.constantFrom('record', 'probe', 'begin'),
      good: fc.integer({ min: 0, max: 30 }),
      bad: fc.integer({ min: 0, max: 30 }),
      stepMs: fc.integer({ min: -10_000, max: 30_000 }),
    })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        let breaker: Breaker = recordOutcomes(null, POLICY, calls(1, 0), T)
        let now = T
        for (const { kind, good, bad, stepMs } of events) {
          now += stepMs
          const next =
            kind === 'begin'
              ? beginProbe(breaker, POLICY, now)
              : recordOutcomes(breaker, POLICY, kind === 'probe' ? probe(good, bad) : calls(good, bad), now)
          breaker = JSON.parse(JSON.stringify(next)) as Breaker
          expect(breaker).toEqual(next)
          const verdict = mayRun(breaker, POLICY, now)
          if (typeof verdict === 'string') continue
          expect(verdict.waitMs).toBeGreaterThan(0)
          expect(verdict.waitMs).toBeLessThanOrEqual(POLICY.openMaxMs)
          expect(Number.isInteger(verdict.waitMs)).toBe(true)
        }
        // Whatever came before, it is tried again in the end.
        expect(waitedMs(breaker, now)).toBeLessThanOrEqual(WAITED_MS_MAX)
      }),
    )
  })
})

describe('what counts as a failure', () => {
  it('is a transient exception and nothing else', () => {
    const error = { code: 'x', message: 'x' }
    expect(isBreakerFailure({ outcome: 'exception', fault: 'transient', error })).toBe(true)
    for (const fault of ['data', 'permanent', 'schema'] as const) {
      expect(isBreakerFailure({ outcome: 'exception', fault, error })).toBe(false)
    }
    for (const outcome of [ok(), failed('no'), retry('later'), unknown('timeout')]) {
      expect(isBreakerFailure(outcome)).toBe(false)
    }
  })
})
