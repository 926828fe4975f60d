import { describe, expect, it } from 'vitest'
import { ERROR_MESSAGE_MAX, ERROR_STACK_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { boundedText, errorRecord } from './error-record.js'

describe('errorRecord', () => {
  it('keeps code, message and stack of an error', () => {
    const error = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
    expect(errorRecord(error)).toEqual({ code: 'ECONNREFUSED', message: 'refused', stack: error.stack })
    expect(errorRecord(new SpillwayError('handler_timeout', 'late')).code).toBe('handler_timeout')
  })

  it('falls back to the class of the error where there is no usable code', () => {
    expect(errorRecord(new RangeError('x')).code).toBe('RangeError')
    expect(errorRecord(Object.assign(new Error('x'), { code: 23505 })).code).toBe('Error')
    expect(errorRecord(Object.assign(new Error('x'), { code: 'a code with\nspaces' })).code).toBe('Error')
  })

  it('cuts long texts', () => {
    const error = new Error('m'.repeat(ERROR_MESSAGE_MAX + 1))
    error.stack = 's'.repeat(ERROR_STACK_MAX * 2)
    const { message, stack } = errorRecord(error)
    expect(message).toHaveLength(ERROR_MESSAGE_MAX)
    expect(stack).toHaveLength(ERROR_STACK_MAX)
  })

  it('describes thrown values that are no errors without showing what is in them', () => {
    expect(errorRecord('plain text').message).toBe('plain text')
    expect(errorRecord(undefined).message).toBe('the handler threw a undefined')
    expect(errorRecord(null).message).toBe('the handler threw null')
    expect(JSON.stringify(errorRecord({ card: '4111' }))).not.toContain('4111')
  })
})

describe('boundedText', () => {
  it('drops NUL, which some databases refuse', () => {
    expect(boundedText('a\0b', 10)).toBe('ab')
  })
})
