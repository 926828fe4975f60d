import { inspect } from 'node:util'
import type { Client } from 'pg'
import { requireServer } from 'spillway-test-bed'
import { describe, expect, it } from 'vitest'
import { bulkBench, CLICKS, SETTINGS, WHOLE } from '../../../test/support/postgres-bulk.js'
import { disposing, postgresRigs } from '../../../test/support/postgres-rig.js'
import { sessionOn } from '../../../test/support/postgres-session.js'
import { newBulkWriter } from './bulk-write.js'

requireServer(describe, 'postgres')('a bulk write that cannot work', () => {
  const rigs = disposing(postgresRigs({ recycle: true }))
  const bench = (sql?: string) => bulkBench(rigs, sql)

  it('says that the table is missing, and works once it was made', async () => {
    const { write, rows } = await bench('select 1')
    await expect(write({ rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('no table clicks. Create it'),
    })
    await rows(CLICKS)
    await write({ rows: [['a', 1]] })
    expect(await rows('select id from clicks')).toEqual([{ id: 'a' }])
  })

  it('says which column is missing', async () => {
    const { write } = await bench()
    await expect(write({ columns: ['id', 'colour'], rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('no column colour'),
    })
  })

  it('says that the key needs a unique index', async () => {
    const { write } = await bench('create table clicks (id text, n integer)')
    await expect(write({ rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('unique index on (id)'),
    })
  })

  it('says that the user may not write', async () => {
    const { writer, rows, rig } = await bench()
    const user = `${rig.schema}_reader`
    await rows(
      `create role ${user}; grant usage on schema ${rig.schema} to ${user}; grant select on clicks to ${user}`,
    )
    const client = await sessionOn(rig)
    await client.query(`set role ${user}`)
    await expect(writer.write(client, { ...WHOLE, rows: [['a', 1]] })).rejects.toMatchObject({
      ...{ code: 'invalid_argument', fault: 'schema' },
      message: expect.stringContaining('permission denied for table clicks'),
    })
    await client.end()
    await rows(`drop owned by ${user}; drop role ${user}`)
  })

  it('goes by what a table is now after it was changed', async () => {
    const { write, rows } = await bench()
    await write({ rows: [['a', 1]] })
    await rows('alter table clicks alter column n type jsonb using null')
    await expect(write({ rows: [['b', 1]] })).rejects.toMatchObject({
      code: 'store_unavailable',
      fault: 'transient',
    })
    await write({ rows: [['b', { x: 1 }]] })
    expect(await rows("select n from clicks where id = 'b'")).toEqual([{ n: { x: 1 } }])
    await rows('alter table clicks drop column n')
    await expect(write({ rows: [['c', 1]] })).rejects.toMatchObject({ fault: 'transient' })
    await expect(write({ rows: [['c', 1]] })).rejects.toMatchObject({
      code: 'invalid_argument',
      fault: 'schema',
    })
  })

  it.each<[what: string, sql: string, n: unknown, code: string]>([
    ['a missing value', 'create table clicks (id text primary key, n integer not null)', null, '23502'],
    ['a failed check', 'create table clicks (id text primary key, n integer check (n < 5))', 7, '23514'],
    ['a value of another type', CLICKS, 'hunter2', '22P02'],
    ['a number out of range', CLICKS, 3_000_000_000, '22003'],
    [
      'a text that is too long',
      'create table clicks (id text primary key, n varchar(3))',
      'hunter2',
      '22001',
    ],
    [
      'a word outside of an enum',
      "create type m as enum ('a'); create table clicks (id text primary key, n m)",
      'hunter2',
      '22P02',
    ],
    [
      'another unique column',
      "create table clicks (id text primary key, n integer unique); insert into clicks values ('z', 7)",
      7,
      '23505',
    ],
  ])('blames the row for %s, without its value', async (_, sql, n, code) => {
    const { write, rows } = await bench(sql)
    for (const count of [1, 100]) {
      const others = Array.from({ length: count - 1 }, (_, at) => [`f${at}`, null])
      const error = await rejectionOf(write({ rows: [...others, ['bad', n]] }))
      expect(error).toMatchObject({ fault: 'data', code })
      expect(inspect(error)).not.toContain('hunter2')
    }
    expect(await rows("select id from clicks where id = 'bad'")).toEqual([])
  })

  it('calls a deadlock transient', async () => {
    const { writer, rows, rig } = await bench(`${CLICKS}; insert into clicks values ('a', 1), ('b', 1)`)
    const clients = await Promise.all(
      [0, 1].map(async () => {
        const client = await sessionOn(rig)
        await client.query(`set deadlock_timeout = '10ms'; begin`)
        return client
      }),
    )
    const [one, other] = clients as [Client, Client]
    await writer.write(one, { ...WHOLE, rows: [['a', 2]] })
    await writer.write(other, { ...WHOLE, rows: [['b', 2]] })
    const both = await Promise.allSettled([
      writer.write(one, { ...WHOLE, rows: [['b', 3]] }),
      writer.write(other, { ...WHOLE, rows: [['a', 3]] }),
    ])
    const rejected = both.filter((result) => result.status === 'rejected')
    expect(rejected).toHaveLength(1)
    expect(rejected[0]?.reason).toMatchObject({ fault: 'transient', code: '40P01' })
    for (const client of clients) await client.query('rollback')
    expect(await rows('select id, n from clicks order by id')).toEqual([
      { id: 'a', n: 1 },
      { id: 'b', n: 1 },
    ])
  })

  it.each([1, 100])('gives up after its deadline when the table is locked (%i rows)', async (count) => {
    const { rows, rig } = await bench()
    const writer = newBulkWriter({ ...SETTINGS, queryTimeoutMs: 300 })
    const locking = await sessionOn(rig)
    await locking.query('begin; lock table clicks')
    const client = await sessionOn(rig)
    await client.query('begin')
    const write = writer.write(client, {
      ...WHOLE,
      rows: Array.from({ length: count }, (_, at) => [`f${at}`, 1]),
    })
    await expect(write).rejects.toMatchObject({ fault: 'transient', message: 'Query read timeout' })
    await locking.query('rollback')
    expect(await rows('select count(*)::int as n from clicks where n <> 1')).toEqual([{ n: 0 }])
  })

  it('calls a lost connection transient', async () => {
    const { writer, rows, rig } = await bench()
    const client = await sessionOn(rig)
    await client.query('begin')
    const {
      rows: [own],
    } = await client.query('select pg_backend_pid() as pid')
    await rows(`select pg_terminate_backend(${own.pid})`)
    await expect(writer.write(client, { ...WHOLE, rows: [['a', 1]] })).rejects.toMatchObject({
      fault: 'transient',
    })
  })
})

async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('It was not refused.')
}
