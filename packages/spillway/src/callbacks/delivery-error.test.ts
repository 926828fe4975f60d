import { errors } from 'undici'
import { describe, expect, it } from 'vitest'
import { DeliveryError, deliveryError } from './delivery-error.js'

describe('deliveryError', () => {
  it('keeps what is known already', () => {
    const error = new DeliveryError('blocked', 'x')
    expect(deliveryError(error)).toBe(error)
  })

  it.each([
    [new errors.HeadersTimeoutError(), 'timeout'],
    [new errors.BodyTimeoutError(), 'timeout'],
    [new errors.HeadersOverflowError(), 'too_large'],
    [new errors.HTTPParserError(), 'protocol'],
    [new errors.SocketError('other side closed'), 'reset'],
    [new errors.ClientDestroyedError(), 'aborted'],
    [Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }), 'reset'],
  ])('takes %s as %s', (error, code) => {
    expect(deliveryError(error)).toMatchObject({ name: 'DeliveryError', code })
  })

  it('keeps the code of a system error and not its message, which has addresses', () => {
    const error = Object.assign(new Error('read ECONNRESET 10.1.2.3:443'), { code: 'ECONNRESET' })
    expect(deliveryError(error).message).toBe('the exchange failed: ECONNRESET')
  })

  it.each([
    new errors.InvalidArgumentError('invalid header'),
    Object.assign(new Error('x'), { code: 'ERR_ASSERTION' }),
    new TypeError('x is not a function'),
  ])('does not hide a mistake of the program: %s', (error) => {
    expect(() => deliveryError(error)).toThrow(error)
  })
})
