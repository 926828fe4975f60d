import { describe, expect, it } from 'vitest'
import { ERROR_CODES, isSpillwayError, SpillwayError } from './index.js'

describe('SpillwayError', () => {
  it('takes category and retryability from the one table', () => {
    for (const code of Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[]) {
      const error = new SpillwayError(code, 'x')
      expect({ category: error.category, retryable: error.retryable }).toEqual({
        category: ERROR_CODES[code].category,
        retryable: ERROR_CODES[code].retryable,
      })
    }
  })

  it('calls no mistake of the caller retryable', () => {
    for (const entry of Object.values(ERROR_CODES))
      if (entry.category === 'usage') expect(entry.retryable).toBe(false)
  })

  it('keeps the cause and the details', () => {
    const cause = new Error('disk')
    const error = new SpillwayError('store_unavailable', 'try later', { cause, details: { reason: 'full' } })
    expect(error).toMatchObject({ name: 'SpillwayError', cause, details: { reason: 'full' } })
    expect(isSpillwayError(error, 'store_unavailable')).toBe(true)
    expect(isSpillwayError(error, 'closed')).toBe(false)
    expect(isSpillwayError(cause)).toBe(false)
  })
})
