import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from './backoff.js'
import { type DecideInput, decide, type RetryPolicy } from './decide.js'
import { failed, type Outcome, ok, retry } from './outcome.js'
import { type CommandEvent, transition } from './states.js'

const policy: RetryPolicy = {
  attempts: 3,
  backoff: { type: 'exponential', delayMs: 100, maxMs: 1_000, jitter: 'none' },
  deadlineMs: null,
}
const transient: Outcome = {
  outcome: 'exception',
  fault: 'transient',
  error: { code: 'ECONNRESET', message: 'reset' },
}
const permanent: Outcome = {
  outcome: 'exception',
  fault: 'permanent',
  error: { code: 'no_table', message: 'no such table' },
}
const input = (over: Partial<DecideInput>): DecideInput => ({
  outcome: ok(),
  attempt: 1,
  policy,
  acceptedAt: 0,
  now: 0,
  random: 0.5,
  ...over,
})

describe('decide', () => {
  it('succeeds on ok, with the value if there is one', () => {
    expect(decide(input({ outcome: ok() }))).toEqual({ state: 'succeeded' })
    expect(decide(input({ outcome: ok(7) }))).toEqual({ state: 'succeeded', value: 7 })
  })

  it('takes a business no as final, whatever the policy', () => {
    expect(decide(input({ outcome: failed('address rejected') }))).toEqual({
      state: 'failed',
      error: { code: 'failed', message: 'address rejected' },
    })
  })

  it('retries an exception with growing delays until the attempts are used up', () => {
    expect(decide(input({ outcome: transient, attempt: 1 }))).toMatchObject({
      state: 'retrying',
      delayMs: 100,
    })
    expect(decide(input({ outcome: transient, attempt: 2 }))).toMatchObject({
      state: 'retrying',
      delayMs: 200,
    })
    expect(decide(input({ outcome: transient, attempt: 3 }))).toMatchObject({
      state: 'dead',
      error: { code: 'ECONNRESET' },
    })
  })

  it('never retries a permanent fault', () => {
    expect(decide(input({ outcome: permanent }))).toMatchObject({
      state: 'dead',
      error: { code: 'no_table' },
    })
  })

  it("honours the handler's own delay", () => {
    expect(decide(input({ outcome: retry('busy', { afterMs: 1_234 }) }))).toMatchObject({
      state: 'retrying',
      delayMs: 1_234,
      error: { code: 'retry', message: 'busy' },
    })
  })

  it('starts no retry after the deadline, counted from acceptance', () => {
    const withDeadline = { ...policy, deadlineMs: 1_000 }
    expect(
      decide(input({ outcome: transient, policy: withDeadline, acceptedAt: 5_000, now: 5_900 })),
    ).toMatchObject({ state: 'retrying' })
    expect(
      decide(input({ outcome: transient, policy: withDeadline, acceptedAt: 5_000, now: 5_901 })),
    ).toMatchObject({ state: 'dead', error: { message: expect.stringContaining('deadline') } })
  })

  it('never exceeds the attempts and only makes transitions the table allows', () => {
    const outcome = fc.constantFrom<Outcome>(ok(), ok(1), failed('no'), retry('later'), transient, permanent)
    const verb = {
      succeeded: 'ok',
      failed: 'fail',
      retrying: 'retry',
      dead: 'exhaust',
    } as const satisfies Record<string, CommandEvent>
    fc.assert(
      fc.property(
        outcome,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (out, attempt, attempts, random) => {
          const decision = decide(input({ outcome: out, attempt, random, policy: { ...policy, attempts } }))
          expect(transition('running', verb[decision.state])).toBe(decision.state)
          if (decision.state === 'retrying') {
            expect(attempt).toBeLessThan(attempts)
            expect(decision.delayMs).toBeGreaterThanOrEqual(0)
          }
        },
      ),
    )
  })
})

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
})
