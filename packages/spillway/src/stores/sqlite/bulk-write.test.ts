import { describe, expect, it } from 'vitest'
import { type SqliteRig, sqliteRig } from '../../../test/support/sqlite-rig.js'
import type { BulkWrite } from '../../ports/index.js'

async function write(rig: SqliteRig, bulk: Partial<BulkWrite>): Promise<void> {
  const whole: BulkWrite = {
    table: 'clicks',
    columns: ['id', 'n'],
    key: ['id'],
    onConflict: 'update',
    rows: [],
    ...bulk,
  }
  await rig.store.settleWithin([], (scope) => {
    void scope.write(whole)
    return []
  })
}

async function rigWith(sql: string): Promise<SqliteRig> {
  const rig = await sqliteRig()
  const db = rig.connect()
  db.exec(sql)
  db.close()
  return rig
}

const CLICKS = 'create table clicks (id text primary key, n integer, note text)'

describe('a bulk write', () => {
  it.each([0, 1, 2, 31, 32, 33, 63, 64, 100, 1_000])('writes %i rows', async (count) => {
    const rig = await rigWith(CLICKS)
    const rows = Array.from({ length: count }, (_, n) => [`id-${n}`, n])
    await write(rig, { rows })
    const written = rig.rows('select id, n from clicks order by n')
    expect(written.map(({ id, n }) => [id, n])).toEqual(rows)
  })

  it('overwrites the other columns of rows whose key exists, and only those it names', async () => {
    const rig = await rigWith(`${CLICKS}; insert into clicks values ('a', 1, 'kept')`)
    await write(rig, {
      rows: [
        ['a', 2],
        ['b', 3],
      ],
    })
    expect(rig.rows('select * from clicks')).toEqual([
      { id: 'a', n: 2, note: 'kept' },
      { id: 'b', n: 3, note: null },
    ])
  })

  it('leaves rows whose key exists, when told to', async () => {
    const rig = await rigWith(`${CLICKS}; insert into clicks values ('a', 1, 'kept')`)
    await write(rig, {
      rows: [
        ['a', 2],
        ['b', 3],
      ],
      onConflict: 'ignore',
    })
    expect(rig.rows('select id, n from clicks')).toEqual([
      { id: 'a', n: 1 },
      { id: 'b', n: 3 },
    ])
  })

  it('has nothing to overwrite when every column is of the key', async () => {
    const rig = await rigWith('create table pairs (a integer, b integer, primary key (a, b))')
    const bulk = {
      table: 'pairs',
      columns: ['a', 'b'],
      key: ['a', 'b'],
      rows: [
        [1, 2],
        [1, 3],
      ],
    }
    await write(rig, bulk)
    await write(rig, bulk)
    expect(rig.rows('select * from pairs')).toEqual([
      { a: 1, b: 2 },
      { a: 1, b: 3 },
    ])
  })

  it('takes names as they are, whatever is in them', async () => {
    const rig = await rigWith('create table "my "" table" ("select" text primary key, "a; drop" integer)')
    const bulk = { table: 'my " table', columns: ['select', 'a; drop'], key: ['select'] }
    await write(rig, { ...bulk, rows: [['x', 1]] })
    await write(rig, { ...bulk, rows: [['x', 2]] })
    expect(rig.rows('select * from "my "" table"')).toEqual([{ select: 'x', 'a; drop': 2 }])
  })

  it('handles more columns than fit into statements of 32 rows', async () => {
    const names = Array.from({ length: 1_500 }, (_, n) => `c${n}`)
    const rig = await rigWith(
      `create table wide (${names.map((name) => `${name} integer`).join(', ')}, primary key (c0))`,
    )
    const rows = Array.from({ length: 40 }, (_, row) => names.map((_, n) => row * 10_000 + n))
    await write(rig, { table: 'wide', columns: names, key: ['c0'], rows })
    expect(rig.rows('select count(*) as n, sum(c1499 - c0) as d from wide')).toEqual([
      { n: 40, d: 40 * 1_499 },
    ])
  })

  it('keeps working with many shapes of writes', async () => {
    const rig = await rigWith(CLICKS)
    const names = Array.from({ length: 100 }, (_, n) => `t${n}`)
    rig.connect().exec(names.map((name) => `create table ${name} (id text primary key, n integer);`).join(''))
    for (let round = 0; round < 2; round += 1) {
      for (const [n, table] of names.entries()) await write(rig, { table, rows: [['x', n + round]] })
    }
    expect(rig.rows('select n from t0')).toEqual([{ n: 1 }])
    expect(rig.rows('select n from t99')).toEqual([{ n: 100 }])
  })
})

describe('values', () => {
  it.each([
    ['true', true, 1],
    ['false', false, 0],
    ['undefined', undefined, null],
    ['null', null, null],
    ['a date', new Date(0), '1970-01-01T00:00:00.000Z'],
    ['an object', { a: [1, 'x'] }, '{"a":[1,"x"]}'],
    ['an array', [1, 2], '[1,2]'],
    ['a bigint', 9_007_199_254_740_991n, 9_007_199_254_740_991],
    ['a float', 1.5, 1.5],
    ['a large whole number', 1_795_305_721_175, 1_795_305_721_175],
    ['text beyond ASCII', 'ä😀', 'ä😀'],
  ])('%s is stored as SQLite has it', async (_, value, stored) => {
    const rig = await rigWith('create table things (id text primary key, value any) strict')
    await write(rig, { table: 'things', columns: ['id', 'value'], rows: [['x', value]] })
    expect(rig.rows('select value from things')).toEqual([{ value: stored }])
  })

  it('whole numbers stay whole in columns of text or of no type', async () => {
    const rig = await rigWith(
      'create table things (id text primary key, a text, b, c varchar(10), d integer, e real)',
    )
    await write(rig, {
      table: 'things',
      columns: ['id', 'a', 'b', 'c', 'd', 'e'],
      rows: [[5, 5, 5, true, 5, 5]],
    })
    expect(rig.rows('select id, a, b, typeof(b) as t, c, d, e from things')).toEqual([
      { id: '5', a: '5', b: 5, t: 'integer', c: '1', d: 5, e: 5 },
    ])
  })

  it('bytes stay bytes', async () => {
    const rig = await rigWith('create table things (id text primary key, value blob)')
    await write(rig, { table: 'things', columns: ['id', 'value'], rows: [['x', new Uint8Array([0, 255])]] })
    expect(rig.rows('select hex(value) as h from things')).toEqual([{ h: '00FF' }])
  })

  it.each([
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['an invalid date', new Date(Number.NaN)],
    ['an object that has no JSON', { n: 1n }],
    ['a text with a NUL', 'a\u0000b'],
    ['a whole number beyond 64 bits', 2n ** 70n],
  ])('%s is the fault of its row', async (_, value) => {
    const rig = await rigWith(CLICKS)
    await expect(
      write(rig, {
        rows: [
          ['ok', 1],
          ['x', value],
        ],
      }),
    ).rejects.toMatchObject({ fault: 'data' })
    expect(rig.rows('select * from clicks')).toEqual([])
  })
})

describe('a bulk write that cannot work', () => {
  it('says that the table is missing', async () => {
    await expect(write(await sqliteRig(), { rows: [['a', 1]] })).rejects.toMatchObject({
      code: 'invalid_argument',
      fault: 'schema',
      message: expect.stringContaining('no table clicks. Create it'),
    })
  })

  it('works once the table was made', async () => {
    const rig = await sqliteRig()
    await write(rig, { rows: [['a', 1]] }).catch(() => {})
    rig.connect().exec(CLICKS)
    await write(rig, { rows: [['a', 1]] })
    expect(rig.rows('select id from clicks')).toEqual([{ id: 'a' }])
  })

  it('says which column is missing', async () => {
    const rig = await rigWith(CLICKS)
    await expect(write(rig, { columns: ['id', 'colour'], rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('no column colour'),
    })
  })

  it('says that the key needs a unique index', async () => {
    const rig = await rigWith('create table clicks (id text, n integer)')
    await expect(write(rig, { rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('unique index on (id)'),
    })
  })

  it('notices when a column goes away later', async () => {
    const rig = await rigWith(CLICKS)
    await write(rig, { rows: [['a', 1]] })
    rig.connect().exec('alter table clicks drop column n')
    await expect(write(rig, { rows: [['b', 1]] })).rejects.toMatchObject({
      code: 'invalid_argument',
      fault: 'schema',
    })
  })

  it.each([
    ['a missing value', 'create table clicks (id text primary key, n integer not null)', null],
    ['a failed check', 'create table clicks (id text primary key, n integer check (n < 5))', 7],
    ['a value of another type', 'create table clicks (id text primary key, n integer) strict', 'x'],
    [
      'another unique column',
      "create table clicks (id text primary key, n integer unique); insert into clicks values ('z', 7)",
      7,
    ],
  ])('blames the row for %s', async (_, sql, n) => {
    const rig = await rigWith(sql)
    await expect(
      write(rig, {
        rows: [
          ['ok', 1],
          ['bad', n],
        ],
      }),
    ).rejects.toMatchObject({
      code: 'ERR_SQLITE_ERROR',
      fault: 'data',
    })
    expect(rig.rows("select id from clicks where id = 'ok'")).toEqual([])
  })
})
