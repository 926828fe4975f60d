import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonLine, printable, printableLines } from './printable.js'

// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may get through
const TERMINAL_ACTS_ON = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

describe('text from elsewhere', () => {
  it('cannot colour, move the cursor, set a title or turn the direction of reading', () => {
    expect(printable('a\u001b[31mred\u001b[0m')).toBe('a\\u001b[31mred\\u001b[0m')
    expect(printable('\u009b2J\u0007\u202egnp.exe')).toBe('\\u009b2J\\u0007\\u202egnp.exe')
    expect(printable('two\nlines\tand\r\n')).toBe('two\\nlines\\tand\\r\\n')
  })

  it('is left alone when it is harmless', () => {
    expect(printable('naïve 日本語 🙂 {"a":1}')).toBe('naïve 日本語 🙂 {"a":1}')
  })

  it('keeps its line breaks where lines are wanted, and nothing else', () => {
    expect(printableLines('one\r\ntwo\u001b[1m')).toBe('one\ntwo\\u001b[1m')
  })

  it('never holds a control character, whatever comes in', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !TERMINAL_ACTS_ON.test(printable(text))))
  })
})

describe('a line of JSON', () => {
  it('means the same when parsed, and holds no control character', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const line = jsonLine({ value, text })
        expect(TERMINAL_ACTS_ON.test(line)).toBe(false)
        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify({ value, text })))
      }),
    )
  })
})
