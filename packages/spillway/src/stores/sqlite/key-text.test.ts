import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keyOf, keyText } from './key-text.js'

it('leaves ordinary keys as they are', () => {
  for (const key of ['order-1', 'A b', 'ä', '😀', '\\', '\t']) expect(keyText(key)).toBe(key)
})

it('makes text that survives UTF-8 and C strings', () => {
  for (const key of ['\u0000', 'a\u0000b', '\ud800', 'a\udc00b', '\u0001']) {
    const text = keyText(key)
    expect(text).not.toContain('\u0000')
    expect(Buffer.from(text).toString()).toBe(text)
  }
})

const key = fc.string({
  unit: fc.constantFrom('\u0000', '\u0001', '\ud800', '\udc00', '0', 'd', ';', '8'),
  maxLength: 6,
})

it('never makes two keys one', () => {
  fc.assert(
    fc.property(key, key, (a, b) => {
      fc.pre(a !== b)
      expect(keyText(a)).not.toBe(keyText(b))
    }),
    { numRuns: 2_000 },
  )
})

it('gives the key back', () => {
  fc.assert(
    fc.property(key, (one) => {
      expect(keyOf(keyText(one))).toBe(one)
    }),
    { numRuns: 2_000 },
  )
})
