import { describe, expect, it } from 'vitest'
import { mysqlRig } from '../../../test/support/mysql-rig.js'
import { keyText } from './key-text.js'
import { packets } from './packets.js'
import { integer, multiRow, STATEMENT_BYTES_MAX, text, textList } from './sql-text.js'

const TEXTS = [
  '',
  'plain',
  `'single' "double" \`tick\``,
  'back\\slash',
  "\\' or 1 = 1 -- ",
  'what? :name ??',
  'nul \0 inside',
  'ünï → 😀 \u2028',
  'line\nand\ttab\u001a',
  '; drop table spillway_chunks; --',
]

describe('values as SQL text', () => {
  it.each(['', 'NO_BACKSLASH_ESCAPES', 'ANSI_QUOTES', 'ANSI,NO_BACKSLASH_ESCAPES'])(
    'come back as they were in the SQL mode "%s"',
    async (mode) => {
      const connection = await (await mysqlRig()).connect()
      await connection.query(`set session sql_mode = '${mode}'`)
      for (const value of TEXTS) {
        const [rows] = await connection.query(`select ${text(value)} as value`)
        expect(rows).toEqual([{ value }])
      }
    },
  )

  it('contain no placeholder and no quote of their own', () => {
    for (const value of TEXTS) expect(text(value).slice(1, -1)).not.toMatch(/[?\\\0]|^[^']*'[^']*$/)
  })

  it('are null when they are', () => {
    expect([text(null), integer(null), integer(-1.9), textList(['a', 'b'])]).toEqual([
      'null',
      'null',
      '-1',
      "('a', 'b')",
    ])
  })
})

describe('idempotency keys as text', () => {
  it('stay different when only halves of surrogate pairs tell them apart', () => {
    const keys = ['a\ud800', 'a\ud801', 'a\ufffd', 'a\u0001d800;', 'a']
    expect(new Set(keys.map((key) => Buffer.from(keyText(key)).toString('hex'))).size).toBe(keys.length)
  })
})

describe('statements of many rows', () => {
  it('are split where they would grow too long, and are none for no rows', () => {
    const rows = Array.from({ length: 5 }, () => `(${'x'.repeat(200_000)})`)
    const statements = multiRow('insert', rows, 'tail')
    expect(statements.length).toBeGreaterThan(1)
    expect(statements.flatMap((statement) => statement.match(/\(x+\)/g) ?? [])).toEqual(rows)
    expect(multiRow('insert', [])).toEqual([])
  })

  it('travel together until a packet is full', () => {
    const large = 'x'.repeat(STATEMENT_BYTES_MAX - 13)
    expect(packets(['a', 'b', large, 'c']).map((packet) => packet.length)).toEqual([3, 1])
    expect(packets(['a', large, large]).map((packet) => packet.length)).toEqual([2, 1])
    expect(packets([])).toEqual([])
  })

  it('are measured in bytes, not in characters', () => {
    const large = '→'.repeat(STATEMENT_BYTES_MAX / 3)
    expect(packets([large, large])).toHaveLength(2)
  })
})
