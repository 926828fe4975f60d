import { describe, expect, it } from 'vitest'
import { DELAY_MS_MAX, ERROR_MESSAGE_MAX, failed, ok, RESULT_BYTES_MAX, retry } from '../domain/index.js'
import { isSpillwayError } from '../errors/index.js'
import * as read from './handler-outcomes.js'

const outcomeOf = (returned: unknown, poll: unknown = null) => read.outcomeOf(returned, { poll })
const outcomesOf = (returned: unknown, size: number) => read.outcomesOf(returned, size, { poll: null })

const thrownBy = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return null
}

describe('outcomeOf', () => {
  it('takes nothing for success without a value', () => {
    expect(outcomeOf(undefined)).toBeNull()
    expect(outcomeOf(ok())).toBeNull()
  })

  it('takes any other value for the result, as JSON text', () => {
    expect(outcomeOf({ id: 7 })).toEqual({ outcome: 'ok', value: '{"id":7}' })
    expect(outcomeOf(null)).toEqual({ outcome: 'ok', value: 'null' })
    expect(outcomeOf(ok('done'))).toEqual({ outcome: 'ok', value: '"done"' })
  })

  it('bounds reasons and delays', () => {
    expect(outcomeOf(failed('x'.repeat(5_000)))).toMatchObject({
      reason: expect.stringMatching(/^x+\.\.\.$/),
    })
    expect((outcomeOf(failed('x'.repeat(5_000))) as { reason: string }).reason).toHaveLength(
      ERROR_MESSAGE_MAX,
    )
    expect(outcomeOf(retry('later', { afterMs: -5 }))).toEqual({
      outcome: 'retry',
      reason: 'later',
      afterMs: 0,
    })
    expect(outcomeOf(retry('later', { afterMs: 1e300 }))).toMatchObject({ afterMs: DELAY_MS_MAX })
    expect(outcomeOf(retry('later', { afterMs: Number.NaN }))).toEqual({ outcome: 'retry', reason: 'later' })
    expect(outcomeOf({ outcome: 'failed' })).toEqual({ outcome: 'failed', reason: 'no reason given' })
  })

  it('takes a result that cannot be kept for an exception', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic.self = cyclic
    for (const value of [cyclic, 1n, () => 1, Symbol('x'), 'ü'.repeat(RESULT_BYTES_MAX / 2)]) {
      expect(outcomeOf(value)).toMatchObject({ outcome: 'exception', error: { code: 'handler_result' } })
    }
  })

  it('keeps a result of exactly the largest size', () => {
    const text = 'x'.repeat(RESULT_BYTES_MAX - 2)
    expect(outcomeOf(text)).toEqual({ outcome: 'ok', value: `"${text}"` })
  })
})

describe('outcomesOf', () => {
  it('takes nothing for success of all', () => {
    expect(outcomesOf(undefined, 3)).toBeNull()
    expect(outcomesOf(null, 3)).toBeNull()
  })

  it('takes one outcome per command, nothing meaning success', () => {
    expect(outcomesOf([null, undefined, failed('no'), ok(1)], 4)).toEqual([
      null,
      null,
      { outcome: 'failed', reason: 'no' },
      { outcome: 'ok', value: '1' },
    ])
  })

  it.each([
    ['too few', [null], 'returned 1 outcomes for 2 commands'],
    ['too many', [null, null, null], 'returned 3 outcomes for 2 commands'],
    ['no array', { length: 2 }, 'returned an object'],
    ['a word', 'ok', 'returned a string'],
    ['entries that are no outcomes', [null, { id: 1 }], 'an object at index 1'],
    ['booleans', [true, false], 'a boolean at index 0'],
  ])('refuses %s', (_, returned, message) => {
    const error = thrownBy(() => outcomesOf(returned, 2))
    expect(isSpillwayError(error, 'handler_result')).toBe(true)
    expect((error as Error).message).toContain(message)
  })
})
