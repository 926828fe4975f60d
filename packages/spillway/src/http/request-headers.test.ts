import { describe, expect, it } from 'vitest'
import { idempotencyKey, preferredWait } from './request-headers.js'

/** As Node hands over the headers of these values. */
function headersOf(...values: string[]): Parameters<typeof idempotencyKey>[0] {
  return { headers: { 'idempotency-key': values.join(', ') }, headersDistinct: { 'idempotency-key': values } }
}

describe('idempotencyKey', () => {
  it.each([
    ['abc', 'abc'],
    ['"abc"', 'abc'],
    ['"a \\"quoted\\" \\\\ key"', 'a "quoted" \\ key'],
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['a"b', 'a"b'],
    ['a, b', 'a, b'],
    ['k'.repeat(255), 'k'.repeat(255)],
    [`"${'k'.repeat(255)}"`, 'k'.repeat(255)],
  ])('reads %s', (header, key) => {
    expect(idempotencyKey(headersOf(header))).toBe(key)
  })

  it.each([
    ['nothing', ''],
    ['an empty text', '""'],
    ['256 characters', 'k'.repeat(256)],
    ['a tab', 'a\tb'],
    ['a control character', 'a\u0001b'],
    ['bytes beyond ASCII', 'caf\u00e9'],
    ['a quote that does not end', '"abc'],
    ['text after the quote', '"abc"def'],
    ['a dangling escape', '"abc\\"'],
    ['an escape of something else', '"a\\bc"'],
  ])('refuses %s', (_, header) => {
    expect(() => idempotencyKey(headersOf(header))).toThrow(expect.objectContaining({ code: 'invalid_key' }))
  })
})

describe('idempotencyKey of a request', () => {
  it('is absent without the header', () => {
    expect(idempotencyKey({ headers: {}, headersDistinct: {} })).toBeUndefined()
  })

  it('is not guessed when there are two', () => {
    expect(() => idempotencyKey(headersOf('a', 'b'))).toThrow('more than once')
  })
})

describe('preferredWait', () => {
  it.each([
    ['wait=5', 5],
    ['respond-async, wait=10', 10],
    ['WAIT="7"', 7],
    ['handling=lenient; foo, wait = 3', 3],
    ['wait=0', 0],
    ['wait=999999', 60],
  ])('reads %s', (header, seconds) => {
    expect(preferredWait(header, 60)).toBe(seconds)
  })

  it.each(['', 'respond-async', 'wait', 'wait=', 'wait=-1', 'wait=1.5', 'await=5', 'wait=5s', 'x="wait=5'])(
    'ignores %j',
    (header) => {
      expect(preferredWait(header, 60)).toBeNull()
    },
  )

  it('reads the first of several', () => {
    expect(preferredWait(['return=minimal', 'wait=4'], 60)).toBe(4)
  })
})
