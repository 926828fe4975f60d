import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ChunkDraft } from './chunk.js'
import { encodeBody } from './codec.js'
import { decodeEnvelope, encodeEnvelope, readAddress } from './envelope.js'

const ID = '0190f3c1a2b47def8123456789abcdef'

const DRAFT: ChunkDraft = {
  id: ID,
  queue: 'clicks',
  type: 'click.record',
  priority: 5,
  partition: null,
  tenant: null,
  codec: 'json',
  body: '[{"id":"a"},{"id":"b"}]',
  size: 2,
  keys: null,
  parked: null,
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const encoded = (draft: Partial<ChunkDraft> = {}): Uint8Array => bytes(encodeEnvelope({ ...DRAFT, ...draft }))

/** The envelope of DRAFT with another address or other details. */
const withLine = (line: 0 | 1, value: unknown): Uint8Array => {
  const lines = encodeEnvelope({ ...DRAFT, keys: [null, null] }).split('\n')
  lines[line] = typeof value === 'string' ? value : JSON.stringify(value)
  return bytes(lines.join('\n'))
}
const address = (changed: object): Uint8Array => {
  const line = JSON.parse(encodeEnvelope(DRAFT).split('\n')[0] as string) as object
  return withLine(0, { ...line, ...changed })
}

describe('envelope', () => {
  it('is three lines that a person can read', () => {
    expect(new TextDecoder().decode(encoded()).split('\n')).toEqual([
      `{"v":1,"id":"${ID}","queue":"clicks","type":"click.record","priority":5,"partition":null,"tenant":null,"codec":"json","size":2}`,
      '',
      '[{"id":"a"},{"id":"b"}]',
    ])
  })

  it('tells where a chunk goes without a look at the rest', () => {
    const [first] = new TextDecoder().decode(encoded({ partition: 7 })).split('\n')
    expect(readAddress(bytes(`${first}\nnot json\nnor this`))).toMatchObject({
      ...{ id: ID, queue: 'clicks', type: 'click.record', partition: 7, size: 2 },
    })
  })

  it('gives back every chunk as it was', () => {
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
      .filter((value) => !/\p{Cc}/u.test(value))
    const key = fc.record({ key: text, fingerprint: text, windowMs: fc.nat() })
    const scheduled = fc.record({
      state: fc.constant('scheduled' as const),
      nextAt: fc.nat(),
      attempts: fc.constant(0),
      error: fc.constant(null),
    })
    const drafts = fc
      .record({
        queue: text,
        type: text,
        priority: fc.integer({ min: -100, max: 100 }),
        partition: fc.option(fc.nat({ max: 65_536 })),
        tenant: fc.option(text),
        payloads: fc.array(fc.json(), { minLength: 1, maxLength: 5 }),
        hasKeys: fc.boolean(),
        isParked: fc.boolean(),
      })
      .chain(({ payloads, hasKeys, isParked, ...rest }) => {
        const size = payloads.length
        const list = <Item>(item: fc.Arbitrary<Item>) =>
          fc.array(fc.option(item), { minLength: size, maxLength: size })
        return fc.record({
          ...{ id: fc.constant(ID), codec: fc.constant('json' as const), size: fc.constant(size) },
          body: fc.constant(encodeBody(payloads)),
          keys: hasKeys ? list(key) : fc.constant(null),
          parked: isParked ? list(scheduled) : fc.constant(null),
          rest: fc.constant(rest),
        })
      })
      .map(({ rest, ...draft }): ChunkDraft => ({ ...draft, ...rest }))
    fc.assert(
      fc.property(drafts, (draft) => {
        expect(decodeEnvelope(bytes(encodeEnvelope(draft)))).toEqual(draft)
      }),
    )
  })

  it.each([
    ['another version', address({ v: 2 }), /of version 2, this Spillway reads 1/],
    ['a version that is no number', address({ v: 'secret' }), /no version/],
    ['an id that is none', address({ id: 'x' }), /no chunk id/],
    ['no queue', address({ queue: '' }), /names no queue/],
    ['a queue with a line feed', address({ queue: 'a\nb' }), /names no queue/],
    ['a type that is too long', address({ type: 'x'.repeat(101) }), /names no type/],
    ['a priority out of bounds', address({ priority: 101 }), /priority/],
    ['a broken partition', address({ partition: -1 }), /partition/],
    ['a tenant that is no text', address({ tenant: 7 }), /tenant/],
    ['another codec', address({ codec: 'xml' }), /codec/],
    ['no commands', address({ size: 0 }), /size/],
    ['too many commands', address({ size: 1_001 }), /size/],
    ['an address that is no object', withLine(0, '[]'), /no address/],
    ['an address that is no JSON', withLine(0, 'secret'), /not JSON/],
    ['an endless address', withLine(0, { v: 1, padding: 'x'.repeat(5_000) }), /too long/],
    ['details that are no JSON', withLine(1, '{'), /not JSON/],
    ['too few keys', withLine(1, { keys: [null] }), /keys/],
    ['a key without a fingerprint', withLine(1, { keys: [{ key: 'a', windowMs: 1 }, null] }), /keys/],
    [
      'a row that says a command is over',
      withLine(1, { parked: [{ state: 'succeeded', nextAt: null, attempts: 1, error: null }, null] }),
      /rows/,
    ],
    [
      'a row with a completion token',
      withLine(1, {
        parked: [{ state: 'scheduled', nextAt: 1, attempts: 0, error: null, completion: {} }, null],
      }),
      /rows/,
    ],
    ['one line', bytes('{"v":1}'), /three lines/],
    ['nothing', new Uint8Array(), /three lines/],
  ])('refuses %s, and quotes nothing of it', (_, envelope, says) => {
    expect(() => decodeEnvelope(envelope)).toThrow(says)
    expect(() => decodeEnvelope(envelope)).toThrow(SyntaxError)
    expect(() => decodeEnvelope(envelope)).not.toThrow(/secret/)
  })

  it('refuses a body that is not UTF-8', () => {
    const envelope = Buffer.from(encoded())
    envelope[envelope.length - 3] = 0xff
    expect(() => decodeEnvelope(envelope)).toThrow('the envelope is not UTF-8 text')
  })

  it('answers any bytes with a chunk or a SyntaxError', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 255 }), (at, byte) => {
        const envelope = encoded({ keys: [null, { key: 'k', fingerprint: 'f', windowMs: 1 }] })
        envelope[at % envelope.length] = byte
        try {
          expect(decodeEnvelope(envelope).size).toBeGreaterThan(0)
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})
