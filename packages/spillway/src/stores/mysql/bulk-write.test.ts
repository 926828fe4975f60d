// Bulk writes into the application's own tables, on a real server.

import { describe, expect, it } from 'vitest'
import { CLICKS, rigWith, write } from '../../../test/support/mysql-bulk.js'
import { mysqlRig } from '../../../test/support/mysql-rig.js'

describe('a bulk write', () => {
  it.each([0, 1, 2, 1_000, 1_999, 2_000, 2_001, 4_500])('writes %i rows', async (count) => {
    const rig = await rigWith(CLICKS)
    const rows = Array.from({ length: count }, (_, n) => [`id-${n}`, n])
    await write(rig, { rows })
    const written = await rig.rows('select id, n from clicks order by n')
    expect(written.map(({ id, n }) => [id, n])).toEqual(rows)
  })

  it('overwrites the other columns of rows whose key exists, and only those it names', async () => {
    const rig = await rigWith(CLICKS, "insert into clicks values ('a', 1, 'kept')")
    await write(rig, {
      rows: [
        ['a', 2],
        ['b', 3],
      ],
    })
    expect(await rig.rows('select * from clicks order by id')).toEqual([
      { id: 'a', n: 2, note: 'kept' },
      { id: 'b', n: 3, note: null },
    ])
  })

  it('leaves rows whose key exists, when told to', async () => {
    const rig = await rigWith(CLICKS, "insert into clicks values ('a', 1, 'kept')")
    await write(rig, {
      rows: [
        ['a', 2],
        ['b', 3],
      ],
      onConflict: 'ignore',
    })
    expect(await rig.rows('select id, n from clicks order by id')).toEqual([
      { id: 'a', n: 1 },
      { id: 'b', n: 3 },
    ])
  })

  it('has nothing to overwrite when every column is of the key', async () => {
    const rig = await rigWith('create table pairs (a int, b int, primary key (b, a))')
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
    expect(await rig.rows('select * from pairs order by b')).toEqual([
      { a: 1, b: 2 },
      { a: 1, b: 3 },
    ])
  })

  it('adds rows without looking at others when it names no key', async () => {
    const rig = await rigWith('create table log (line varchar(50))')
    const bulk = { table: 'log', columns: ['line'], key: [], rows: [['x'], ['x']] }
    await write(rig, bulk)
    expect(await rig.rows('select * from log')).toEqual([{ line: 'x' }, { line: 'x' }])
  })

  it('finds rows by a unique index beside the primary key', async () => {
    const rig = await rigWith(
      'create table things (no int auto_increment primary key, id varchar(50) not null unique, n int)',
    )
    await write(rig, { table: 'things', rows: [['a', 1]] })
    await write(rig, {
      table: 'things',
      rows: [
        ['a', 2],
        ['b', 3],
      ],
    })
    expect(await rig.rows('select id, n from things order by id')).toEqual([
      { id: 'a', n: 2 },
      { id: 'b', n: 3 },
    ])
  })

  it('compares keys as the index does', async () => {
    const rig = await rigWith(
      'create table words (id varchar(50) collate utf8mb4_general_ci primary key, n decimal(10, 2))',
    )
    await write(rig, { table: 'words', rows: [['Maß', 1]] })
    await write(rig, { table: 'words', rows: [['maß', 2]] })
    expect(await rig.rows('select id, n from words')).toEqual([{ id: 'Maß', n: '2.00' }])
  })

  it('takes names as they are, whatever is in them', async () => {
    const rig = await rigWith(
      'create table `my `` table` (`select` varchar(50) primary key, `a; drop ?` int)',
    )
    const bulk = { table: 'my ` table', columns: ['select', 'a; drop ?'], key: ['select'] }
    await write(rig, { ...bulk, rows: [['x', 1]] })
    await write(rig, { ...bulk, rows: [['x', 2]] })
    expect(await rig.rows('select * from `my `` table`')).toEqual([{ select: 'x', 'a; drop ?': 2 }])
  })

  it('takes columns by name in any case, as MySQL does', async () => {
    const rig = await rigWith(CLICKS)
    await write(rig, { columns: ['ID', 'N'], key: ['Id'], rows: [['a', 1]] })
    expect(await rig.rows('select id, n from clicks')).toEqual([{ id: 'a', n: 1 }])
  })

  it('writes into a table of another database', async () => {
    const rig = await mysqlRig()
    const other = await mysqlRig()
    await other.rows(CLICKS)
    const [{ name } = {}] = await other.rows('select database() as name')
    await write(rig, { table: `${name}.clicks`, rows: [['a', 1]] })
    await write(rig, { table: `${name}.clicks`, rows: [['a', 2]] })
    expect(await other.rows('select id, n from clicks')).toEqual([{ id: 'a', n: 2 }])
  })

  it('keeps working with many shapes of writes', async () => {
    const rig = await rigWith(CLICKS)
    const names = Array.from({ length: 70 }, (_, n) => `t${n}`)
    for (const name of names) await rig.rows(`create table ${name} (id varchar(9) primary key, n int)`)
    for (let round = 0; round < 2; round += 1) {
      for (const [n, table] of names.entries()) await write(rig, { table, rows: [['x', n + round]] })
    }
    expect(await rig.rows('select n from t0')).toEqual([{ n: 1 }])
    expect(await rig.rows('select n from t69')).toEqual([{ n: 70 }])
  })

  it('splits what is larger than the server takes at once', async () => {
    const rig = await rigWith('create table texts (id int primary key, value longtext)')
    const value = "ä'".repeat(2 * 1024 * 1024)
    await write(rig, {
      table: 'texts',
      columns: ['id', 'value'],
      rows: [1, 2, 3, 4, 5].map((id) => [id, value]),
    })
    expect(await rig.rows('select count(*) as n, min(char_length(value)) as length from texts')).toEqual([
      { n: 5, length: value.length },
    ])
  })
})

describe('a bulk write that cannot work', () => {
  it('says that the table is missing', async () => {
    await expect(write(await mysqlRig(), { rows: [['a', 1]] })).rejects.toMatchObject({
      code: 'invalid_argument',
      fault: 'schema',
      message: expect.stringContaining('no table clicks. Create it'),
    })
  })

  it('says that the table of a database that does not exist is missing', async () => {
    await expect(
      write(await mysqlRig(), { table: 'nowhere.clicks', rows: [['a', 1]] }),
    ).rejects.toMatchObject({
      fault: 'schema',
    })
  })

  it('works once the table was made', async () => {
    const rig = await mysqlRig()
    await write(rig, { rows: [['a', 1]] }).catch(() => {})
    await rig.rows(CLICKS)
    await write(rig, { rows: [['a', 1]] })
    expect(await rig.rows('select id from clicks')).toEqual([{ id: 'a' }])
  })

  it('says which column is missing', async () => {
    const rig = await rigWith(CLICKS)
    await expect(write(rig, { columns: ['id', 'colour'], rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('no column colour'),
    })
  })

  it.each([
    ['none', 'create table clicks (id varchar(50), n int)'],
    ['one that is not unique', 'create table clicks (id varchar(50), n int, key (id))'],
    ['one on a part of the key', 'create table clicks (id varchar(50), n int, unique key (id(5)))'],
    ['one on more than the key', 'create table clicks (id varchar(50), n int, primary key (id, n))'],
  ])('says that the key needs a unique index where there is %s', async (_, sql) => {
    const rig = await rigWith(sql)
    await expect(write(rig, { rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('unique index on (id)'),
    })
  })

  it('refuses a table whose engine cannot undo', async () => {
    const rig = await rigWith(`${CLICKS} engine = MyISAM`)
    await expect(write(rig, { rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('MyISAM'),
    })
  })

  it('notices when a column goes away later, and when it comes back', async () => {
    const rig = await rigWith(CLICKS)
    await write(rig, { rows: [['a', 1]] })
    await rig.rows('alter table clicks drop column n')
    await expect(write(rig, { rows: [['b', 1]] })).rejects.toMatchObject({
      code: 'invalid_argument',
      fault: 'schema',
    })
    await rig.rows('alter table clicks add column n bigint')
    await write(rig, { rows: [['b', 1]] })
    expect(await rig.rows('select id from clicks order by id')).toEqual([{ id: 'a' }, { id: 'b' }])
  })

  it('says that a column that is not written needs a default', async () => {
    const rig = await rigWith('create table clicks (id varchar(50) primary key, n int, day date not null)')
    await expect(write(rig, { rows: [['a', 1]] })).rejects.toMatchObject({
      fault: 'schema',
      message: expect.stringContaining("'day' doesn't have a default"),
    })
  })

  it.each([
    ['a missing value', 'n int not null', null],
    ['a failed check', 'n int check (n < 5)', 7],
    ['a value of another type', 'n int', 'x'],
    ['a value that is too long', 'n varchar(3)', 'long'],
    ['a value out of range', 'n tinyint', 1_000],
    ['a value of no such name', "n enum ('a', 'b')", 'c'],
    ['a date that does not exist', 'n date', '2026-02-30'],
    ['a row that it refers to and that is missing', 'n int, foreign key (n) references parents (n)', 7],
  ])('blames the row for %s, without repeating what is in it', async (_, column, n) => {
    const rig = await rigWith(
      'create table parents (n int primary key)',
      `create table clicks (id varchar(50) primary key, ${column})`,
    )
    const error = await write(rig, { rows: [['secret', n]] }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ fault: 'data', code: expect.stringMatching(/^(ER|WARN)_/) })
    expect(JSON.stringify([error, (error as Error).message, (error as Error).stack])).not.toContain('secret')
    expect('sql' in (error as object)).toBe(false)
    await rig.rows('drop table clicks')
  })
})

describe('a row that equals another one by a second unique index', () => {
  const TABLE = 'create table clicks (id varchar(50) primary key, n int unique)'

  it.each(['update', 'ignore'] as const)('is refused by %s, and changes no row', async (onConflict) => {
    const rig = await rigWith(TABLE, "insert into clicks values ('z', 7)")
    const rows = [
      ['ok', 1],
      ['secret', 7],
    ]
    await expect(write(rig, { rows, onConflict })).rejects.toMatchObject({
      fault: 'data',
      message: expect.stringContaining('not the one on (id)'),
    })
    expect(await rig.rows('select * from clicks')).toEqual([{ id: 'z', n: 7 }])
  })

  it('is refused when its key exists as well', async () => {
    const rig = await rigWith(TABLE, "insert into clicks values ('a', 1), ('z', 7)")
    await expect(write(rig, { rows: [['a', 7]] })).rejects.toMatchObject({
      fault: 'data',
      message: expect.stringMatching(/^Duplicate entry for key/),
    })
    expect(await rig.rows('select * from clicks order by id')).toEqual([
      { id: 'a', n: 1 },
      { id: 'z', n: 7 },
    ])
  })

  it('is itself when it is written again', async () => {
    const rig = await rigWith(TABLE)
    for (const onConflict of ['update', 'ignore', 'update'] as const) {
      await write(rig, { rows: [['a', 1]], onConflict })
    }
    expect(await rig.rows('select * from clicks')).toEqual([{ id: 'a', n: 1 }])
  })

  it('is refused whatever the types of the key', async () => {
    const columns = [
      'f float not null',
      'd datetime(3) not null',
      'b binary(2) not null',
      'x decimal(9,3) not null',
    ]
    const rig = await rigWith(
      `create table many (${columns.join(', ')}, n int unique, m int, primary key (f, d, b, x))`,
    )
    const at = new Date(1_000)
    const bulk = { table: 'many', columns: ['f', 'd', 'b', 'x', 'n', 'm'], key: ['f', 'd', 'b', 'x'] }
    const bytes = Buffer.from([1, 2])
    await write(rig, { ...bulk, rows: [[0.1, at, bytes, 1.5, 1, 1]] })
    await write(rig, { ...bulk, rows: [[0.1, at, bytes, 1.5, 1, 2]] })
    await expect(write(rig, { ...bulk, rows: [[0.2, at, bytes, 1.5, 1, 3]] })).rejects.toMatchObject({
      fault: 'data',
    })
    expect(await rig.rows('select m from many')).toEqual([{ m: 2 }])
  })
})

describe('a bulk write among others', () => {
  it('says that the batch may be tried again when the server undid it in favour of another', async () => {
    const rig = await rigWith(CLICKS, "insert into clicks (id, n) values ('a', 0), ('b', 0)")
    const other = await rig.connect()
    await other.query('start transaction')
    // It has changed more, so that the settlement is the one to be undone.
    await other.query("insert into clicks (id) values ('c'), ('d'), ('e'), ('f'), ('g'), ('h')")
    await other.query("update clicks set n = 1 where id = 'b'")
    const settled = rig.store.settleWithin([], async (scope) => {
      await scope.write({ ...CLICK_WRITE, rows: [['a', 6]] })
      // Each of the two waits for a row of the other from here on, whoever asks first.
      await Promise.all([
        scope.write({ ...CLICK_WRITE, rows: [['b', 6]] }),
        other.query("update clicks set n = 2 where id = 'a'"),
      ])
      return []
    })
    await expect(settled).rejects.toMatchObject({
      ...{ code: 'store_unavailable', fault: 'transient', retryable: true },
      details: { reason: 'deadlock' },
    })
    await other.query('rollback')
    expect(await rig.rows("select id, n from clicks where id in ('a', 'b') order by id")).toEqual([
      { id: 'a', n: 0 },
      { id: 'b', n: 0 },
    ])
  })
})

const CLICK_WRITE = { table: 'clicks', columns: ['id', 'n'], key: ['id'], onConflict: 'update' } as const
