// What becomes of a value of JavaScript in a column, written in arrays and by COPY alike.

import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { bulkBench, COPY_ROWS_MIN, filler } from '../../../test/support/postgres-bulk.js'
import { disposing, postgresRigs } from '../../../test/support/postgres-rig.js'

requireServer(describe, 'postgres')('values', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))
  const bench = (sql?: string) => bulkBench(rigs, sql)

  const date = new Date('2026-02-03T04:05:06.789Z')
  it.each<[what: string, type: string, value: unknown, stored: string | null]>([
    ['text', 'text', 'a', 'a'],
    ['text beyond ASCII', 'text', 'ä😀 "q" \\ {x,y} NULL', 'ä😀 "q" \\ {x,y} NULL'],
    ['lines and tabs', 'text', 'a\nb\tc\rd\\N', 'a\nb\tc\rd\\N'],
    ['an empty text', 'text', '', ''],
    ['the word null', 'text', 'null', 'null'],
    ['null', 'text', null, null],
    ['undefined', 'text', undefined, null],
    ['a number in a text', 'text', 5, '5'],
    ['a float', 'double precision', 1.5e300, '1.5e+300'],
    ['infinity', 'double precision', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['a bigint', 'bigint', 9_223_372_036_854_775_807n, '9223372036854775807'],
    ['a number beyond 64 bits', 'numeric', 2n ** 70n, '1180591620717411303424'],
    ['a rounded number', 'numeric(6,2)', 1.239, '1.24'],
    ['true', 'boolean', true, 'true'],
    ['true as a number', 'integer', true, '1'],
    ['false as a text', 'text', false, 'false'],
    ['a date', 'timestamptz', date, '2026-02-03 04:05:06.789+00'],
    ['a date without a zone: UTC', 'timestamp', date, '2026-02-03 04:05:06.789'],
    ['a date as a text', 'text', date, '2026-02-03T04:05:06.789Z'],
    ['an object as JSON', 'jsonb', { a: [1, 'x'] }, '{"a": [1, "x"]}'],
    ['an array as JSON', 'json', [1, 'x', null], '[1,"x",null]'],
    ['a date as JSON', 'jsonb', date, '"2026-02-03T04:05:06.789Z"'],
    ['a text as JSON: as it is', 'jsonb', '{"a":1}', '{"a": 1}'],
    ['an object as a text', 'text', { a: 1 }, '{"a":1}'],
    ['an array', 'text[]', ['a', 'b"c', 'NULL', null, '{}'], '{a,"b\\"c","NULL",NULL,"{}"}'],
    [
      'an array of arrays',
      'integer[]',
      [
        [1, 2],
        [3, 4],
      ],
      '{{1,2},{3,4}}',
    ],
    ['an empty array', 'integer[]', [], '{}'],
    ['an array of JSON', 'jsonb[]', [{ a: 1 }], '{"{\\"a\\": 1}"}'],
    ['bytes', 'bytea', new Uint8Array([0, 255]), '\\x00ff'],
    ['a uuid', 'uuid', '0190000000007000800000000000000A', '01900000-0000-7000-8000-00000000000a'],
    ['a word of an enum', 'mood', 'fine', 'fine'],
    ['a domain over JSON', 'document', { a: 1 }, '{"a": 1}'],
    ['a domain over an array', 'tags', ['a', 'b'], '{a,b}'],
    ['a fixed text', 'char(3)', 'ab', 'ab'],
    ['bits', 'bit(3)', '101', '101'],
    ['one byte', '"char"', 'x', 'x'],
  ])('%s in a column of %s', async (_, type, value, stored) => {
    const { write, rows } = await bench(`
      create type mood as enum ('fine', 'sad'); create domain document as jsonb; create domain tags as text[];
      set timezone = 'UTC'; create table things (id integer primary key, value ${type})`)
    const ids = Array.from({ length: COPY_ROWS_MIN + 1 }, (_, id) => id)
    const bulk = { table: 'things', columns: ['id', 'value'] }
    await write({ ...bulk, rows: [[0, value]] })
    await write({ ...bulk, rows: ids.map((id) => [id, value]) })
    expect(await rows('select distinct value::text as value from things')).toEqual([{ value: stored }])
    expect(await rows('select count(*)::int as n from things')).toEqual([{ n: ids.length }])
  })

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an invalid date', new Date(Number.NaN)],
    ['an object that has no JSON', { n: 1n }],
    ['an object whose JSON is nothing', { toJSON: () => undefined }],
    ['a text with a NUL character', 'a\u0000b'],
    ['bytes, which only a bytea column holds', new Uint8Array([1])],
  ])('%s is the fault of its row', async (_, value) => {
    const { write, rows } = await bench()
    for (const count of [1, 100]) {
      const refused = write({
        columns: ['id', 'n', 'note'],
        rows: [...filler(count, 0, 'x'), ['bad', 1, value]],
      })
      await expect(refused).rejects.toMatchObject({
        fault: 'data',
        message: expect.stringContaining('Column note'),
      })
    }
    expect(await rows('select * from clicks')).toEqual([])
  })
})
