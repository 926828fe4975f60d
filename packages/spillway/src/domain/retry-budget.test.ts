import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DEFAULT_RETRY_BUDGET,
  depositExecutions,
  RETRY_DEPOSIT_MS,
  type RetryBudget,
  type RetryBudgetPolicy,
  withdrawRetries,
} from './retry-budget.js'

const POLICY = DEFAULT_RETRY_BUDGET
const T = 1_700_000_000_000
/** Ten seconds of the minimum. */
const RESERVE = 100

const drained = (policy: RetryBudgetPolicy = POLICY): RetryBudget =>
  withdrawRetries(null, policy, RESERVE, T).budget

describe('the retry budget', () => {
  it('begins with its reserve, at once', () => {
    const { waitsMs, budget } = withdrawRetries(null, POLICY, RESERVE, T)
    expect(waitsMs).toEqual(Array.from({ length: RESERVE }, () => 0))
    expect(budget.balance).toBe(0)
  })

  it('postpones retries beyond it, each behind the one before', () => {
    expect(withdrawRetries(drained(), POLICY, 3, T).waitsMs).toEqual([100, 200, 300])
    const reserved = withdrawRetries(drained(), POLICY, 3, T).budget
    expect(withdrawRetries(reserved, POLICY, 1, T + 300).waitsMs).toEqual([100])
    expect(withdrawRetries(reserved, POLICY, 1, T + 400).waitsMs).toEqual([0])
  })

  it('gathers the minimum up to the reserve and no further', () => {
    expect(withdrawRetries(drained(), POLICY, 1, T + 50).waitsMs).toEqual([50])
    expect(withdrawRetries(drained(), POLICY, 1, T + 100).waitsMs).toEqual([0])
    const { waitsMs } = withdrawRetries(drained(), POLICY, RESERVE + 1, T + 86_400_000)
    expect(waitsMs.slice(0, RESERVE).every((waitMs) => waitMs === 0)).toBe(true)
    expect(waitsMs.at(-1)).toBe(100)
  })

  it('is paid by every execution', () => {
    const paid = depositExecutions(drained(), POLICY, 1_000, T)
    const { waitsMs } = withdrawRetries(paid, POLICY, 201, T)
    expect(waitsMs.filter((waitMs) => waitMs === 0)).toHaveLength(200)
    // What was paid in lately is taken for the rate at which more will be: 20 per second and the minimum of 10.
    expect(waitsMs.at(-1)).toBe(Math.ceil(1_000 / 30))
  })

  it('lets what was paid in beyond the reserve fade', () => {
    const paid = depositExecutions(null, POLICY, 1_000, T)
    const later = depositExecutions(paid, POLICY, 0, T + RETRY_DEPOSIT_MS)
    expect(later.balance).toBeCloseTo(RESERVE + 200 / Math.E, 9)
    expect(depositExecutions(paid, POLICY, 0, T + 3_600_000).balance).toBeCloseTo(RESERVE, 9)
  })

  it('postpones by maxWaitMs at most, and reserves no more than that', () => {
    const policy = { ...POLICY, maxWaitMs: 1_000 }
    const { waitsMs, budget } = withdrawRetries(drained(policy), policy, 500, T)
    expect(waitsMs[9]).toBe(1_000)
    expect(Math.max(...waitsMs)).toBe(1_000)
    expect(budget.balance).toBe(-10)
  })

  it('postpones by maxWaitMs where nothing at all flows in, and reserves nothing', () => {
    const policy = { ratio: 0.2, minPerSecond: 0, maxWaitMs: 60_000 }
    const { waitsMs, budget } = withdrawRetries(null, policy, 2, T)
    expect(waitsMs).toEqual([60_000, 60_000])
    expect(budget.balance).toBe(0)
  })

  it('keeps what is reserved when the rate falls, without adding to it', () => {
    const busy = withdrawRetries(depositExecutions(drained(), POLICY, 100_000, T), POLICY, 0, T).budget
    const owing = { ...busy, balance: -100_000 }
    const later = withdrawRetries(owing, POLICY, 50, T + 120_000)
    expect(later.budget.balance).toBeCloseTo(-100_000 + 1_200, 6)
    expect(later.waitsMs.every((waitMs) => waitMs === POLICY.maxWaitMs)).toBe(true)
  })

  it('credits no time twice when the clock stutters', () => {
    let budget = drained()
    for (let round = 0; round < 100; round++) {
      budget = depositExecutions(budget, POLICY, 0, T - 3_000)
      budget = depositExecutions(budget, POLICY, 0, T)
    }
    expect(budget.balance).toBe(0)
  })

  it('never lets more retries start than were paid for', () => {
    const event = fc.record({
      stepMs: fc.integer({ min: 0, max: 3_000 }),
      executions: fc.integer({ min: 0, max: 2_000 }),
      retries: fc.integer({ min: 0, max: 500 }),
    })
    const policies = fc.record({
      ratio: fc.double({ min: 0, max: 1, noNaN: true }),
      minPerSecond: fc.integer({ min: 1, max: 50 }),
      maxWaitMs: fc.constant(1_000_000_000),
    })
    fc.assert(
      fc.property(policies, fc.array(event, { maxLength: 50 }), (policy, events) => {
        let budget: RetryBudget | null = null
        let now = T
        let executions = 0
        let atOnce = 0
        for (const event of events) {
          now += event.stepMs
          executions += event.executions
          budget = depositExecutions(budget, policy, event.executions, now)
          const withdrawal = withdrawRetries(budget, policy, event.retries, now)
          budget = withdrawal.budget
          atOnce += withdrawal.waitsMs.filter((waitMs) => waitMs === 0).length
          expect(withdrawal.waitsMs).toHaveLength(event.retries)
          const paid =
            policy.minPerSecond * 10 + (policy.minPerSecond * (now - T)) / 1_000 + policy.ratio * executions
          expect(atOnce).toBeLessThanOrEqual(paid + 1e-6)
        }
      }),
    )
  })

  it('holds retries of a type that keeps failing to their share of what runs', () => {
    // Every execution fails and wants a retry as soon as it may: the storm a budget is there for.
    let budget: RetryBudget | null = null
    const due = new Map<number, number>()
    let firsts = 0
    let retries = 0
    for (let tick = 0; tick < 3_000; tick++) {
      const now = T + tick * 100
      const again = due.get(tick) ?? 0
      firsts += 100
      retries += again
      budget = depositExecutions(budget, POLICY, 100 + again, now)
      const withdrawal = withdrawRetries(budget, POLICY, 100 + again, now)
      budget = withdrawal.budget
      for (const waitMs of withdrawal.waitsMs) {
        const at = tick + Math.max(1, Math.ceil(waitMs / 100))
        due.set(at, (due.get(at) ?? 0) + 1)
      }
    }
    const allowed = RESERVE + 300 * POLICY.minPerSecond + (firsts + retries) * POLICY.ratio
    expect(retries / allowed).toBeLessThan(1.02)
    expect(retries / allowed).toBeGreaterThan(0.9)
  })
})
