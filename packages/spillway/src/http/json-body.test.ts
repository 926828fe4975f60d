import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, parseJsonBody } from './json-body.js'

const DEPTH_MAX = 64
const nested = (depth: number, [open, close]: readonly [string, string] = ['[', ']']): string =>
  `${open.repeat(depth)}1${close.repeat(depth)}`

/** Such keys are refused whatever their depth, and fast-check likes them. */
const isHarmless = (text: string): boolean => !/__proto__|constructor/.test(text)

function isTooDeep(text: string, depthMax: number): boolean {
  try {
    parseJson(text, depthMax)
    return false
  } catch (error) {
    return (error as Error).message.includes('levels deep')
  }
}

describe('parseJson', () => {
  it('gives the value of every JSON text', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }).filter(isHarmless), (text) => {
        expect(parseJson(text, DEPTH_MAX)).toEqual(JSON.parse(text))
      }),
    )
  })

  it.each([
    ['arrays', ['[', ']']],
    ['objects', ['{"a":', '}']],
  ] as const)('takes %s as deep as allowed and none deeper', (_, pair) => {
    expect(parseJson(nested(DEPTH_MAX, pair), DEPTH_MAX)).toEqual(JSON.parse(nested(DEPTH_MAX, pair)))
    expect(() => parseJson(nested(DEPTH_MAX + 1, pair), DEPTH_MAX)).toThrow('at most 64 levels')
  })

  it('refuses megabytes of brackets before it parses them', () => {
    expect(() => parseJson('['.repeat(4_000_000), DEPTH_MAX)).toThrow('at most 64 levels')
  })

  it('does not count brackets in texts, escapes or siblings', () => {
    const text = JSON.stringify({ a: '[{'.repeat(100), b: '\\"[[[['.repeat(50), c: Array(200).fill([{}]) })
    expect(parseJson(text, 4)).toEqual(JSON.parse(text))
  })

  it('finds the depth of any text the way a parser would', () => {
    const depthOf = (value: unknown): number =>
      typeof value !== 'object' || value === null ? 0 : 1 + Math.max(0, ...Object.values(value).map(depthOf))
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 8 }), (value, max) => {
        const text = JSON.stringify(value)
        const refused = isTooDeep(text, max)
        // A short text is not looked at when it cannot hold more levels than allowed.
        expect(refused).toBe(depthOf(JSON.parse(text)) > max && text.length > 2 * max)
      }),
    )
  })

  it.each([
    '{"__proto__":{"admin":true}}',
    '[{"a":{"__proto__":1}}]',
    '{"__pr\\u006fto__":{"admin":true}}',
    '{"constructor":{"prototype":{"admin":true}}}',
    '{"a":[{"c\\u006fnstructor":{"pr\\u006ftotype":1}}]}',
  ])('refuses keys that poison prototypes: %s', (text) => {
    expect(() => parseJson(text, DEPTH_MAX)).toThrow('__proto__')
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })

  it.each([
    '{"constructor":"Ferrari"}',
    '{"a":"__proto__"}',
    '["constructor",{"prototype":1}]',
    '{"a":"\\u0041"}',
  ])('takes what only looks like it: %s', (text) => {
    expect(parseJson(text, DEPTH_MAX)).toEqual(JSON.parse(text))
  })

  it.each(['', '   ', '{', '{"a":1}x', "{'a':1}", 'undefined', '01', '\u0000'])(
    'calls %j malformed',
    (text) => {
      expect(() => parseJson(text, DEPTH_MAX)).toThrow(expect.objectContaining({ code: 'malformed_json' }))
    },
  )

  it('does not quote the text in its error', () => {
    expect(() => parseJson('{"card":"4111", oops}', DEPTH_MAX)).toThrow(/^(?!.*4111)/)
  })
})

describe('parseJsonBody', () => {
  it('reads UTF-8 and refuses what is not', () => {
    expect(parseJsonBody(Buffer.from('{"a":"žluťoučký 🐎"}'), DEPTH_MAX)).toEqual({ a: 'žluťoučký 🐎' })
    expect(() => parseJsonBody(Buffer.from([0x22, 0xff, 0x22]), DEPTH_MAX)).toThrow('UTF-8')
    expect(() => parseJsonBody(Buffer.from('{"a":1}', 'utf16le'), DEPTH_MAX)).toThrow(
      expect.objectContaining({ code: 'malformed_json' }),
    )
  })
})
