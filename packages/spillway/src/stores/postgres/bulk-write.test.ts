import type { Client } from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { bulkBench, CLICKS, COPY_ROWS_MIN, filler, WHOLE } from '../../../test/support/postgres-bulk.js'
import { complete, disposing, type PostgresRig, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'

requireServer(describe, 'postgres')('a bulk write', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))
  const bench = (sql?: string) => bulkBench(rigs, sql)

  it.each([0, 1, 2, 19, 20, 21, 1_000])('writes %i rows, in arrays or by COPY', async (count) => {
    const { write, rows } = await bench()
    const given = Array.from({ length: count }, (_, n) => [`id-${n}`, n])
    await write({ rows: given })
    const written = await rows('select id, n from clicks order by n')
    expect(written.map(({ id, n }) => [id, n])).toEqual(given)
  })

  it.each([1, 100])(
    'overwrites the other columns of rows whose key exists, and only those it names (%i rows)',
    async (count) => {
      const { write, rows } = await bench(`${CLICKS}; insert into clicks values ('a', 1, 'kept')`)
      await write({ rows: [['a', 2], ...filler(count)] })
      expect(await rows("select n, note from clicks where id = 'a'")).toEqual([{ n: 2, note: 'kept' }])
      expect(await rows('select count(*)::int as n from clicks')).toEqual([{ n: count + 1 }])
    },
  )

  it.each([1, 100])('leaves rows whose key exists, when told to (%i rows)', async (count) => {
    const { write, rows } = await bench(`${CLICKS}; insert into clicks values ('a', 1, 'kept')`)
    await write({ rows: [['a', 2], ...filler(count)], onConflict: 'ignore' })
    expect(await rows("select n from clicks where id = 'a'")).toEqual([{ n: 1 }])
    expect(await rows('select count(*)::int as n from clicks')).toEqual([{ n: count + 1 }])
  })

  it('has nothing to overwrite when every column is of the key', async () => {
    const { write, rows } = await bench('create table pairs (a integer, b integer, primary key (a, b))')
    const pairs = [
      [1, 2],
      [1, 3],
    ]
    const bulk = { table: 'pairs', columns: ['a', 'b'], key: ['a', 'b'], rows: pairs }
    await write(bulk)
    await write(bulk)
    expect(await rows('select * from pairs order by b')).toEqual([
      { a: 1, b: 2 },
      { a: 1, b: 3 },
    ])
  })

  it('only inserts where no key is given', async () => {
    const { write, rows } = await bench('create table log (line text)')
    await write({ table: 'log', columns: ['line'], key: [], rows: [['x'], ['x']] })
    expect(await rows('select line from log')).toEqual([{ line: 'x' }, { line: 'x' }])
  })

  it('takes names as they are, whatever is in them', async () => {
    const { write, rows } = await bench(
      'create table "my "" table" ("select" text primary key, "a; drop @.x" integer)',
    )
    const bulk = { table: 'my " table', columns: ['select', 'a; drop @.x'], key: ['select'] }
    for (const n of [1, 2]) await write({ ...bulk, rows: [['x', n]] })
    expect(await rows('select * from "my "" table"')).toEqual([{ select: 'x', 'a; drop @.x': 2 }])
  })

  it('finds names that were typed without quotes, and prefers those that were typed with them', async () => {
    const { write, rows } = await bench(
      'create table Clicks (userId text primary key, n integer, "userID" text)',
    )
    await write({
      table: 'Clicks',
      columns: ['userId', 'n', 'userID'],
      key: ['userId'],
      rows: [['a', 1, 'b']],
    })
    expect(await rows('select * from clicks')).toEqual([{ userid: 'a', n: 1, userID: 'b' }])
    await rows('create table "Clicks" (id text primary key)')
    await write({ table: 'Clicks', columns: ['id'], rows: [['c']] })
    expect(await rows('select * from "Clicks"')).toEqual([{ id: 'c' }])
  })

  it('writes into a table of another schema', async () => {
    const { write, rows, rig } = await bench()
    const app = `${rig.schema}_app`
    await rows(`create schema ${app}; create table ${app}.clicks (id text primary key, n integer)`)
    await write({ table: `${app}.clicks`, rows: [['a', 1]] })
    expect(await rows(`select id from ${app}.clicks`)).toEqual([{ id: 'a' }])
    expect(await rows('select id from clicks')).toEqual([])
    await rows(`drop schema ${app} cascade`)
  })

  it('keeps working with more shapes of writes than it remembers', async () => {
    const { write, rows } = await bench()
    const names = Array.from({ length: 70 }, (_, n) => `t${n}`)
    await rows(names.map((name) => `create table ${name} (id text primary key, n integer);`).join(''))
    for (let round = 0; round < 2; round += 1) {
      for (const [n, table] of names.entries()) await write({ table, rows: [['x', n + round]] })
    }
    expect(await rows('select n from t0')).toEqual([{ n: 1 }])
    expect(await rows('select n from t69')).toEqual([{ n: 70 }])
  })

  it('copies from the number of rows on from which that is faster', async () => {
    const { writer, rig } = await bench()
    const client = await sessionOn(rig)
    await client.query('begin')
    const { spy, sent } = watched(client)
    await writer.write(spy, { ...WHOLE, rows: filler(COPY_ROWS_MIN - 1) })
    await writer.write(spy, { ...WHOLE, rows: filler(COPY_ROWS_MIN) })
    expect(sent).toEqual(['with', 'insert', 'create', 'copy', 'insert', 'drop'])
  })

  it.each(['ignore', 'update'] as const)(
    'inserts rows as new, and starts over where one was not: %s',
    async (onConflict) => {
      const { writer, rows, rig } = await bench()
      const client = await sessionOn(rig)
      await client.query('begin')
      const { spy, sent } = watched(client)
      const write = (...written: [string, number][]) =>
        writer.write(spy, { ...WHOLE, onConflict, rows: written })
      await write(['a', 1])
      sent.length = 0
      await write(['b', 2])
      expect(sent.splice(0)).toEqual(['savepoint', 'insert', 'release'])
      await write(['b', 3], ['c', 3])
      expect(sent.splice(0)).toEqual(['savepoint', 'insert', 'release', 'rollback', 'insert'])
      await write(['d', 4])
      expect(sent).toEqual(['insert'])
      await client.query('commit')
      expect(await rows('select id, n from clicks order by id')).toEqual([
        { id: 'a', n: 1 },
        { id: 'b', n: onConflict === 'update' ? 3 : 2 },
        { id: 'c', n: 3 },
        { id: 'd', n: 4 },
      ])
    },
  )

  it('copies twice in one transaction', async () => {
    const { writer, rows, rig } = await bench()
    const client = await sessionOn(rig)
    await client.query('begin')
    for (const from of [0, 100]) {
      await writer.write(client, { ...WHOLE, rows: filler(50, from) })
    }
    await client.query('commit')
    expect(await rows('select count(*)::int as n from clicks')).toEqual([{ n: 100 }])
  })

  it('does without COPY where temporary tables are not allowed', async () => {
    const { writer, rows, rig } = await bench()
    const user = `${rig.schema}_user`
    await rows(`create role ${user} login; grant usage on schema ${rig.schema} to ${user}`)
    await rows(`grant all on clicks to ${user}; revoke temporary on database ${databaseOf(rig)} from public`)
    const client = await sessionOn(rig)
    await client.query(`set role ${user}; begin`)
    await writer.write(client, { ...WHOLE, rows: filler(100) })
    await client.query('commit')
    expect(await rows('select count(*)::int as n from clicks')).toEqual([{ n: 100 }])
    await rows(
      `grant temporary on database ${databaseOf(rig)} to public; drop owned by ${user}; drop role ${user}`,
    )
  })
})

function databaseOf({ url }: Pick<PostgresRig, 'url'>): string {
  return new URL(url).pathname.slice(1)
}

requireServer(describe, 'postgres')('a bulk write of a settlement', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))

  it('is part of its transaction, however large', async () => {
    const rig = await rigs()
    await rig.rows(CLICKS.replace('clicks', '@.clicks'))
    const lease = await rig.lease()
    const rows = filler(10_000)
    const settled = rig.store.settleWithin([lease], async (scope) => {
      await scope.write({ ...WHOLE, rows })
      expect(await rig.rows('select count(*)::int as n from @.clicks')).toEqual([{ n: 0 }])
      return [complete(lease)]
    })
    expect(await settled).toEqual(['ok'])
    expect(await rig.rows('select count(*)::int as n from @.clicks')).toEqual([{ n: 10_000 }])
  })

  it('is refused when it comes after its handler returned', async () => {
    const rig = await rigs()
    await rig.rows(CLICKS.replace('clicks', '@.clicks'))
    let late: (() => Promise<void>) | null = null
    await rig.store.settleWithin([], (scope) => {
      late = async () => scope.write({ ...WHOLE, rows: [['a', 1]] })
      return []
    })
    await expect((late as unknown as () => Promise<void>)()).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    expect(await rig.rows('select id from @.clicks')).toEqual([])
  })
})

/** The first words of what is sent over it. */
function watched(client: Client): { readonly spy: Client; readonly sent: string[] } {
  const sent: string[] = []
  const spy = new Proxy(client, {
    get(target, property) {
      if (property !== 'query') return Reflect.get(target, property)
      return (query: string | { readonly text: string }, values?: unknown[]) => {
        sent.push((typeof query === 'string' ? query : query.text).trim().split(' ')[0] as string)
        return target.query(query as string, values)
      }
    },
  })
  return { spy, sent }
}
