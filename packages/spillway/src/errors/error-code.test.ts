import { describe, expect, it } from 'vitest'
import { errorCode } from './error-code.js'
import { SpillwayError } from './spillway-error.js'

describe('errorCode', () => {
  it.each([
    ['the code of ours', new SpillwayError('queue_full', 'wait'), 'queue_full'],
    ['the code of a driver', Object.assign(new Error('duplicate key "secret"'), { code: '23505' }), '23505'],
    ['the name where there is no code', new TypeError('secret'), 'TypeError'],
    ['the name where the code is a number', Object.assign(new RangeError(), { code: 7 }), 'RangeError'],
    [
      'no text that is no word',
      Object.assign(new Error(), { code: 'a secret', name: 'x'.repeat(65) }),
      'error',
    ],
    ['one word for what is no error', 'secret', 'error'],
    ['one word for nothing', null, 'error'],
  ])('is %s', (_, error, code) => {
    expect(errorCode(error)).toBe(code)
  })

  it('does not throw when the error does', () => {
    const hostile = {
      get code(): string {
        throw new Error('secret')
      },
    }
    expect(errorCode(hostile)).toBe('error')
  })
})
