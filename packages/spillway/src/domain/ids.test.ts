import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBody, encodeBody } from './codec.js'
import { fingerprint } from './fingerprint.js'
import { chunkIdTime, commandId, parseCommandId } from './ids.js'
import { failed, isHandlerOutcome, ok, retry } from './outcome.js'

const CHUNK = '0193e4f0c1e07a5d8d7d1e3fb4a2c9d0'

describe('command ids', () => {
  it('name the chunk and the place in it', () => {
    expect(parseCommandId(commandId(CHUNK, 42))).toEqual({ chunkId: CHUNK, index: 42 })
  })

  it('are not confused with anything else', () => {
    for (const text of [
      '',
      CHUNK,
      `${CHUNK}-`,
      `${CHUNK}--1`,
      `${CHUNK}-01`,
      `${CHUNK}-1 `,
      `${CHUNK.toUpperCase()}-1`,
      `${CHUNK}-1e3`,
      `x${CHUNK}-1`,
      `${CHUNK}-9999999`,
    ]) {
      expect(parseCommandId(text)).toBeNull()
    }
  })

  it('carry the time they were made at', () => {
    expect(chunkIdTime(CHUNK)).toBe(0x0193e4f0c1e0)
  })
})

describe('chunk body', () => {
  it('gives back every payload as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { minLength: 1, maxLength: 20 }), (payloads) => {
        const texts = payloads.map((payload) => JSON.stringify(payload))
        expect(decodeBody(encodeBody(texts), texts.length)).toEqual(texts.map((text) => JSON.parse(text)))
      }),
    )
  })

  it('is refused when it is not the promised number of payloads', () => {
    expect(() => decodeBody('[1,2]', 3)).toThrow(/3 payloads/)
    expect(() => decodeBody('{"0":1,"length":1}', 1)).toThrow(/1 payloads/)
    expect(() => decodeBody('[1,', 1)).toThrow(SyntaxError)
  })
})

describe('fingerprint', () => {
  it('is the same for the same text and another for another', () => {
    expect(fingerprint('{"a":1}')).toBe(fingerprint('{"a":1}'))
    expect(fingerprint('{"a":1}')).not.toBe(fingerprint('{"a":2}'))
    expect(fingerprint('{"a":1}')).toMatch(/^[A-Za-z0-9_-]{22}$/)
  })
})

describe('outcomes', () => {
  it('are told from values that only look alike', () => {
    expect([ok(), ok(1), failed('x'), retry('x', { afterMs: 5 })].every(isHandlerOutcome)).toBe(true)
    expect([null, undefined, 1, 'ok', {}, { outcome: 'fine' }, []].some(isHandlerOutcome)).toBe(false)
  })
})
