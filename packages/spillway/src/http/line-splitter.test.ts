import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, LineSplitter } from './line-splitter.js'

function linesOf(chunks: readonly Buffer[], lineBytesMax = 1_000): (readonly [number, string])[] {
  const splitter = new LineSplitter(lineBytesMax)
  const lines: Line[] = []
  for (const chunk of chunks) splitter.push(chunk, lines)
  splitter.end(lines)
  return lines.map(({ number, text }) => [
    number,
    typeof text === 'string' ? text : `! ${(text as Error & { code: string }).code}`,
  ])
}

/** Cuts the bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
}

describe('LineSplitter', () => {
  it('numbers lines from 1, leaves blank ones out and needs no newline at the end', () => {
    expect(linesOf([Buffer.from('{"a":1}\n\n \r\n[2]\r\n3')])).toEqual([
      [1, '{"a":1}'],
      [4, '[2]\r'],
      [5, '3'],
    ])
  })

  it('finds the same lines however the bytes arrive', () => {
    const line = fc
      .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', ' ', '{"é":"🐎"}'))
      .map((text) => text.replaceAll('\n', ''))
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (texts, places) => {
          const expected = texts
            .map((text, index) => [index + 1, text] as const)
            .filter(([, text]) => text.trim() !== '')
          expect(linesOf(cut(Buffer.from(texts.join('\n')), places))).toEqual(expected)
        },
      ),
    )
  })

  it('drops a line that is too long, says so and goes on with the next', () => {
    const bytes = Buffer.from(`1\n"${'x'.repeat(50)}"\n2\n`)
    for (let place = 0; place <= bytes.length; place += 1) {
      expect(linesOf(cut(bytes, [place]), 20)).toEqual([
        [1, '1'],
        [2, '! line_too_large'],
        [3, '2'],
      ])
    }
  })

  it('measures lines in bytes, not characters', () => {
    expect(linesOf([Buffer.from('1\n🐎🐎🐎\n🐎🐎🐎x\n2\n')], 12)).toEqual([
      [1, '1'],
      [2, '🐎🐎🐎'],
      [3, '! line_too_large'],
      [4, '2'],
    ])
  })

  it('keeps no more of an endless line than a line may have', () => {
    const splitter = new LineSplitter(1_000)
    const lines: Line[] = []
    for (let count = 0; count < 10_000; count += 1) splitter.push(Buffer.alloc(1_000, 'x'), lines)
    splitter.push(Buffer.from('\n1\n'), lines)
    expect(lines.map(({ number }) => number)).toEqual([1, 2])
    expect(lines[0]?.text).toMatchObject({ code: 'line_too_large' })
  })

  it('refuses only the lines that are not UTF-8', () => {
    const bytes = Buffer.concat([
      Buffer.from('1\n2\n"'),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"\n3\n4\n'),
      Buffer.from([0xff]),
    ])
    expect(linesOf([bytes])).toEqual([
      [1, '1'],
      [2, '2'],
      [3, '! malformed_json'],
      [4, '3'],
      [5, '4'],
      [6, '! malformed_json'],
    ])
  })

  it('never reports a line before its newline came', () => {
    const splitter = new LineSplitter(100)
    const lines: Line[] = []
    splitter.push(Buffer.from('{"half":'), lines)
    expect(lines).toEqual([])
    splitter.push(Buffer.from('1}\n{'), lines)
    expect(lines).toEqual([{ number: 1, text: '{"half":1}' }])
    expect(splitter.count).toBe(1)
  })
})
