import { describe, expect, it } from 'vitest'
import { ERROR_MESSAGE_MAX, ERROR_STACK_MAX, MEMO_BYTES_MAX } from './limits.js'
import { formatMemo, NO_MEMO, parseMemo } from './memo.js'

describe('a memo', () => {
  it('survives being written', () => {
    const memo = {
      reconciliations: 2,
      failure: { state: 'failed', error: { code: 'x', message: 'y' } },
    } as const
    expect(parseMemo(formatMemo(memo))).toEqual(memo)
  })

  it('is none when it says nothing, or cannot be read', () => {
    expect(formatMemo({})).toBeNull()
    for (const text of [null, '{', '[]', '7', 'null']) expect(parseMemo(text)).toBe(NO_MEMO)
  })

  it('is never larger than it may be: a stack that does not fit is left out', () => {
    const error = {
      code: 'x',
      message: '€'.repeat(ERROR_MESSAGE_MAX),
      stack: '\u0001'.repeat(ERROR_STACK_MAX),
    }
    const text = formatMemo({ failure: { state: 'dead', error } })
    expect(Buffer.byteLength(text ?? '')).toBeLessThanOrEqual(MEMO_BYTES_MAX)
    expect(parseMemo(text).failure?.error).toEqual({ code: error.code, message: error.message })
  })
})
