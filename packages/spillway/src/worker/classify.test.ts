import { describe, expect, it } from 'vitest'
import { SpillwayError } from '../errors/index.js'
import { classify, declaredFault, exceptionOf } from './classify.js'

const coded = (code: string, cause?: unknown) => Object.assign(new Error(code, { cause }), { code })

describe('classify', () => {
  it.each(['ECONNRESET', 'ETIMEDOUT', 'UND_ERR_SOCKET', '40P01', 'ER_LOCK_DEADLOCK'])(
    'takes %s for a fault of the moment',
    (code) => expect(classify(coded(code))).toBe('transient'),
  )

  it('takes aborted and timed out operations for faults of the moment', () => {
    expect(classify(new DOMException('aborted', 'AbortError'))).toBe('transient')
    expect(classify(new DOMException('too late', 'TimeoutError'))).toBe('transient')
  })

  it('finds the network fault that fetch hides in its cause', () => {
    expect(classify(new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }))).toBe('transient')
    const both = new AggregateError([coded('ECONNREFUSED'), coded('EHOSTUNREACH')])
    expect(classify(new TypeError('fetch failed', { cause: both }))).toBe('transient')
  })

  it('takes everything it does not know for a fault of the data', () => {
    for (const thrown of [new Error('no'), new RangeError('no'), 'no', undefined, null, 7]) {
      expect(classify(thrown)).toBe('data')
    }
  })

  it('takes the word of an error that declares its fault, whatever its class', () => {
    expect(classify(Object.assign(new Error('no table'), { fault: 'permanent' }))).toBe('permanent')
    expect(classify({ fault: 'transient' })).toBe('transient')
    expect(classify(Object.assign(coded('ECONNRESET'), { fault: 'data' }))).toBe('data')
    expect(classify(Object.assign(new Error('odd'), { fault: 'sometimes' }))).toBe('data')
  })

  it('follows whether a SpillwayError may succeed later', () => {
    expect(classify(new SpillwayError('store_unavailable', 'locked'))).toBe('transient')
    expect(classify(new SpillwayError('handler_result', 'wrong size'))).toBe('transient')
    expect(classify(new SpillwayError('invalid_argument', 'no such table'))).toBe('permanent')
  })

  it('asks the command first', () => {
    expect(classify(new Error('x'), () => 'permanent')).toBe('permanent')
    expect(classify(coded('ECONNRESET'), () => undefined)).toBe('transient')
  })

  it('is not harmed by a classifier that throws or answers nonsense', () => {
    const throwing = () => {
      throw new Error('classifier')
    }
    expect(classify(coded('ECONNRESET'), throwing)).toBe('transient')
    expect(classify(new Error('x'), () => 'often' as never)).toBe('data')
  })

  it('does not follow causes in circles', () => {
    const error = new Error('snake')
    error.cause = error
    expect(classify(error)).toBe('data')
  })

  it('survives errors whose properties throw', () => {
    const hostile = new Proxy(new Error('x'), {
      get() {
        throw new Error('no reading')
      },
    })
    expect(classify(hostile)).toBe('data')
    expect(declaredFault(hostile)).toBeUndefined()
    expect(exceptionOf(hostile).error).toEqual({
      code: 'error',
      message: 'the handler threw something that cannot be read',
    })
  })
})

describe('declaredFault', () => {
  it('says nothing about an error that says nothing itself', () => {
    expect(declaredFault(new Error('x'))).toBeUndefined()
    expect(declaredFault(new SpillwayError('store_unavailable', 'locked'))).toBe('transient')
  })
})
