import { describe, expect, it } from 'vitest'
import { resolveCallbacks } from '../config/callbacks.js'
import type { DeliveryAnswer, DeliveryFaultCode } from './delivery-result.js'
import { DELIVERY_FAULTS } from './delivery-result.js'
import { classifyDelivery, nextWaitMs, scheduledAttempts } from './schedule.js'

const SECRET = `whsec_${Buffer.alloc(24).toString('base64')}`
const { scheduleMs } = resolveCallbacks({ secrets: [SECRET] })
const HOUR_MS = 3_600_000

function answer(status: number, retryAfterMs: number | null = null): DeliveryAnswer {
  return { kind: 'answer', status, durationMs: 1, snippet: '', cut: null, retryAfterMs }
}

describe('nextWaitMs', () => {
  it('makes eight attempts over 27.5 hours and then no more', () => {
    const waits = Array.from({ length: 8 }, (_, index) => nextWaitMs(scheduleMs, index + 1, 0))
    expect(scheduledAttempts(scheduleMs)).toBe(8)
    expect(waits).toEqual([
      5_000,
      300_000,
      1_800_000,
      2 * HOUR_MS,
      5 * HOUR_MS,
      10 * HOUR_MS,
      10 * HOUR_MS,
      null,
    ])
  })

  it('waits up to a tenth longer, never shorter', () => {
    expect(nextWaitMs([10_000], 1, 0)).toBe(10_000)
    expect(nextWaitMs([10_000], 1, 0.5)).toBe(10_500)
    expect(nextWaitMs([10_000], 1, 0.999_999)).toBe(11_000)
  })

  it('gives a receiver the time it asks for, and keeps the schedule when it asks for less', () => {
    expect(nextWaitMs([10_000], 1, 0, 60_000)).toBe(60_000)
    expect(nextWaitMs([10_000], 1, 0, 1_000)).toBe(10_000)
  })

  it('has one attempt without waits, which a wish of the receiver does not add to', () => {
    expect(scheduledAttempts([])).toBe(1)
    expect(nextWaitMs([], 1, 0, 60_000)).toBeNull()
  })
})

describe('classifyDelivery', () => {
  it.each([200, 201, 202, 204, 299])('takes %i as delivered', (status) => {
    expect(classifyDelivery(answer(status))).toEqual({ verdict: 'delivered' })
  })

  it('takes 410 as the wish for no more', () => {
    expect(classifyDelivery(answer(410))).toMatchObject({ verdict: 'gone' })
  })

  it.each([300, 301, 302, 307, 308, 400, 401, 404, 409, 422, 500, 502, 504, 600])(
    'tries again after %i, by the schedule',
    (status) => {
      expect(classifyDelivery(answer(status, 1_000))).toEqual({
        verdict: 'retry',
        reason: `the receiver answered ${status}`,
        retryAfterMs: null,
      })
    },
  )

  it.each([429, 503])('honours Retry-After of %i', (status) => {
    expect(classifyDelivery(answer(status, 7_000))).toMatchObject({ verdict: 'retry', retryAfterMs: 7_000 })
    expect(classifyDelivery(answer(status))).toMatchObject({ verdict: 'retry', retryAfterMs: null })
  })

  it('never tries a blocked url again, and everything else that goes wrong', () => {
    const codes = Object.keys(DELIVERY_FAULTS) as DeliveryFaultCode[]
    const verdicts = codes.map((code) => [
      code,
      classifyDelivery({ kind: 'fault', code, message: 'x', durationMs: 1 }).verdict,
    ])
    expect(Object.fromEntries(verdicts)).toEqual({
      ...Object.fromEntries(codes.map((code) => [code, 'retry'])),
      blocked: 'refused',
    })
  })
})
