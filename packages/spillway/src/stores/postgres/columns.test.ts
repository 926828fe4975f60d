// Arrays in the binary format arrive as they were, and values come back as they are.

import pg from 'pg'
import { requireServer, sharedPostgres } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bools, int4s, int8s, texts } from './columns.js'
import { STORE_TYPES } from './type-parsers.js'

requireServer(describe, 'postgres')('columns', () => {
  let client: pg.Client
  beforeAll(async () => {
    client = new pg.Client({ connectionString: (await sharedPostgres()).url })
    await client.connect()
  })
  afterAll(() => client?.end())

  it.each([
    ['integer', int4s([0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]), [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]],
    [
      'bigint',
      int8s([0, 1, -1, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 32, -(2 ** 32), 1.9]),
      [0, 1, -1, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 32, -(2 ** 32), 1],
    ],
    [
      'text',
      texts(['', 'a', 'ä😀', null, 'NULL', '"quoted\\"', '{a,b}', 'new\nline', ' ']),
      ['', 'a', 'ä😀', null, 'NULL', '"quoted\\"', '{a,b}', 'new\nline', ' '],
    ],
    ['integer', int4s([]), []],
    ['bigint', int8s([]), []],
    ['text', texts([]), []],
  ])('of %s come back as they were sent', async (type, sent, expected) => {
    const { rows } = await client.query({
      text: `select $1::${type}[] as column, cardinality($1::${type}[]) as size`,
      values: [sent],
      types: STORE_TYPES,
    })
    expect(rows).toEqual([{ column: expected, size: expected.length }])
  })

  it('of booleans are understood', async () => {
    const { rows } = await client.query('select array_to_json($1::boolean[]) as column', [
      bools([true, false, true]),
    ])
    expect(rows).toEqual([{ column: [true, false, true] }])
  })

  it('hold large texts', async () => {
    const large = 'ü'.repeat(1_000_000)
    const { rows } = await client.query('select octet_length(($1::text[])[2]) as bytes', [
      texts(['x', large]),
    ])
    expect(rows).toEqual([{ bytes: 2_000_000 }])
  })

  it('are read with their numbers, booleans and JSON', async () => {
    const { rows } = await client.query({
      text: `select 9007199254740991::bigint as large, 1.5::float8 as half, true as yes, '{"a":1}'::json as json, null as none`,
      types: STORE_TYPES,
    })
    expect(rows).toEqual([{ large: 2 ** 53 - 1, half: 1.5, yes: true, json: { a: 1 }, none: null }])
  })
})
