// What is SQLite's own about chunks that are stored as settled: one lock for every table, transactions that end by themselves, and what
// a call costs.

import { describe, expect, it } from 'vitest'
import { type RigOptions, type SqliteRig, sqliteRig, untilWaiting } from '../../../test/support/sqlite-rig.js'
import { type ChunkDraft, commandId } from '../../domain/index.js'
import type { BulkWrite } from '../../ports/index.js'
import type { SqliteClient, SqliteStatement } from './index.js'

const CLICKS = 'create table clicks (id text primary key, n integer not null)'

async function rigWith(sql = CLICKS, options: RigOptions = {}): Promise<SqliteRig> {
  const rig = await sqliteRig(options)
  rig.connect().exec(sql)
  return rig
}

function clicks(...rows: (readonly unknown[])[]): BulkWrite {
  return { table: 'clicks', columns: ['id', 'n'], key: ['id'], onConflict: 'ignore', rows }
}

/** Two chunks: the first is written whole before the second. */
function drafts(rig: SqliteRig): ChunkDraft[] {
  return [
    rig.draft({ payloads: ['x'.repeat(2_000), 'b'], keys: ['k1', null] }),
    rig.draft({ payloads: ['c'], keys: ['k2'] }),
  ]
}

/** Nothing is there, not even the queue's name; and the same chunks can be stored afterwards. */
async function expectUntouched(rig: SqliteRig, chunks: readonly ChunkDraft[]): Promise<void> {
  const tables = ['chunks', 'bodies', 'keys', 'key_groups', 'queues'].map((name) => `spillway_${name}`)
  for (const table of tables) expect(rig.rows(`select * from ${table}`)).toEqual([])
  const results = await rig.store.append(chunks)
  expect(results.map(({ verdicts }) => verdicts)).toEqual(chunks.map(() => null))
  expect(await rig.store.reader.queues()).toMatchObject([{ queue: 'main', ready: 3 }])
}

describe('chunks that are stored as settled', () => {
  it('are there with their rows after one commit, as if they had been leased and settled', async () => {
    const rig = await rigWith()
    const chunks = drafts(rig)
    const settledAt = await rig.store.appendSettled(chunks, clicks(['a', 1], ['b', 2], ['c', 3]))
    expect(settledAt).toBe(rig.clock.now())
    expect(rig.rows('select id, n from clicks order by id')).toEqual([
      { id: 'a', n: 1 },
      { id: 'b', n: 2 },
      { id: 'c', n: 3 },
    ])
    expect(
      rig.rows(
        'select state, accepted, live, succeeded, created_at, ended_at from spillway_chunks order by seq',
      ),
    ).toEqual(
      [2, 1].map((size) => ({
        ...{ state: 'done', accepted: size, live: 0, succeeded: size },
        ...{ created_at: settledAt, ended_at: settledAt },
      })),
    )
  })

  it('have their payloads, wherever a body of that size is kept', async () => {
    const rig = await rigWith()
    const chunks = drafts(rig)
    await rig.store.appendSettled(chunks, clicks(['a', 1]))
    const ids = chunks.map(({ id }) => commandId(id, 0))
    const views = await rig.store.reader.get(ids, { payload: true })
    expect(views.map((view) => [view?.state, view?.payload])).toEqual([
      ['succeeded', JSON.stringify('x'.repeat(2_000))],
      ['succeeded', '"c"'],
    ])
    expect(rig.rows('select count(*) as n from spillway_bodies')).toEqual([{ n: 1 }])
  })

  it('are pruned after their retention, their keys by their own expiry', async () => {
    const rig = await rigWith()
    await rig.store.appendSettled(drafts(rig), clicks(['a', 1]))
    const request = { retentionMs: 1_000, failedRetentionMs: 1_000, limit: 100 }
    await rig.clock.advance(1_000)
    expect(await rig.store.prune(request)).toEqual({ chunks: 2, commands: 3, keys: 0 })
    await rig.clock.advance(86_400_000)
    expect(await rig.store.prune(request)).toEqual({ chunks: 0, commands: 0, keys: 2 })
    for (const table of ['chunks', 'bodies', 'keys', 'key_groups'])
      expect(rig.rows(`select * from spillway_${table}`)).toEqual([])
  })

  it('meet what another process stored and configured', async () => {
    const rig = await rigWith()
    const other = await sqliteRig({ path: rig.path })
    const [first, second] = drafts(rig) as [ChunkDraft, ChunkDraft]
    await rig.store.appendSettled([first], clicks(['a', 1]))
    expect(await other.store.appendSettled([first], clicks(['b', 1]))).toBe(null)
    await other.store.control.configureQueue('main', { paused: true })
    expect(await rig.store.appendSettled([second], clicks(['b', 1]))).toBe(null)
    await other.store.control.configureQueue('main', { paused: false })
    expect(await rig.store.appendSettled([second], clicks(['b', 1]))).toBe(rig.clock.now())
    expect(rig.rows('select id from clicks')).toEqual([{ id: 'a' }, { id: 'b' }])
  })
})

describe('what fails half way leaves nothing', () => {
  it('when a key of the last chunk is known', async () => {
    const rig = await rigWith()
    const [first, second] = drafts(rig) as [ChunkDraft, ChunkDraft]
    const repeat = { ...second, keys: [first.keys?.[0] ?? null] }
    expect(await rig.store.appendSettled([first, repeat], clicks(['a', 1]))).toBe(null)
    expect(rig.rows('select * from clicks')).toEqual([])
    await expectUntouched(rig, [first, second])
  })

  it.each([
    ['a row lacks a value', CLICKS, 'data', /NOT NULL/],
    [
      'another column is unique',
      'create table clicks (id text primary key, n integer unique)',
      'data',
      /UNIQUE/,
    ],
    ['there is no table', 'select 1', 'schema', /no table clicks/],
    ['there is no such column', 'create table clicks (id text primary key)', 'schema', /no column n/],
    [
      "a trigger of the table ends the transaction and all that was Spillway's in it",
      `${CLICKS}; create trigger guard before insert on clicks when new.id = 'z'
       begin select raise(rollback, 'not this one'); end`,
      'data',
      /not this one/,
    ],
  ])('when %s, with the error that a handler would get', async (_, sql, fault, said) => {
    const rig = await rigWith(sql)
    const chunks = drafts(rig)
    const failing = rig.store.appendSettled(chunks, clicks(['a', 1], ['b', 1], ['z', null]))
    await expect(failing).rejects.toMatchObject({ fault, message: expect.stringMatching(said) })
    if (fault === 'data') expect(rig.rows('select * from clicks')).toEqual([])
    await expectUntouched(rig, chunks)
  })

  it('not even in what the store remembers: the same call works once its table is there', async () => {
    const rig = await rigWith('select 1')
    const chunks = drafts(rig)
    await expect(rig.store.appendSettled(chunks, clicks(['a', 1]))).rejects.toThrow(/no table/)
    rig.connect().exec(CLICKS)
    expect(await rig.store.appendSettled(chunks, clicks(['a', 1]))).toBe(rig.clock.now())
    expect(await rig.store.reader.queues()).toMatchObject([{ queue: 'main', ready: 0 }])
    expect(rig.rows('select id from clicks')).toEqual([{ id: 'a' }])
  })

  it('when the commit is refused, because a row refers to nothing', async () => {
    const rig = await rigWith(`
      create table pages (id text primary key);
      create table clicks (id text primary key, n text references pages (id) deferrable initially deferred)`)
    const chunks = drafts(rig)
    await expect(rig.store.appendSettled(chunks, clicks(['a', 'nowhere']))).rejects.toThrow(/FOREIGN KEY/)
    expect(rig.rows('select * from clicks')).toEqual([])
    await expectUntouched(rig, chunks)
  })

  it('when the disk is full', async () => {
    const rig = await rigWith()
    const { durable } = rig.own
    const { page_count } = durable.prepare('pragma page_count').get() as { page_count: number }
    durable.exec(`pragma max_page_count = ${page_count}`)
    const chunks = drafts(rig)
    const rows = clicks(['x'.repeat(500_000), 1])
    await expect(rig.store.appendSettled(chunks, rows)).rejects.toMatchObject({
      ...{ code: 'store_unavailable', retryable: true, fault: 'transient', details: { reason: 'full' } },
    })
    durable.exec('pragma max_page_count = 1000000')
    expect(rig.rows('select * from clicks')).toEqual([])
    await expectUntouched(rig, chunks)
  })
})

describe("another connection's write lock", () => {
  it('is waited for as an append waits, however short the patience with other locks', async () => {
    const rig = await rigWith(CLICKS, { busyTimeout: 1_000 })
    const other = rig.connect()
    other.exec("begin immediate; insert into clicks values ('theirs', 1)")
    const settled = rig.store.appendSettled(drafts(rig), clicks(['theirs', 2], ['a', 1]), { lockWaitMs: 1 })
    await untilWaiting(rig)
    await rig.clock.advance(500)
    other.exec('commit')
    await rig.clock.advance(100)
    expect([{ at: await settled }]).toEqual(rig.rows('select distinct created_at as at from spillway_chunks'))
    expect(rig.rows('select * from clicks order by id')).toEqual([
      { id: 'a', n: 1 },
      { id: 'theirs', n: 1 },
    ])
  })

  it('that is not given back in time makes the call fail, and nothing is stored', async () => {
    const rig = await rigWith(CLICKS, { busyTimeout: 1_000 })
    const other = rig.connect()
    other.exec('begin immediate')
    const chunks = drafts(rig)
    const rejected = expect(rig.store.appendSettled(chunks, clicks(['a', 1]))).rejects.toMatchObject({
      ...{ code: 'store_unavailable', retryable: true, details: { reason: 'busy' } },
    })
    await untilWaiting(rig)
    await rig.clock.advance(1_000)
    await rejected
    other.exec('rollback')
    expect(rig.rows('select * from clicks')).toEqual([])
    await expectUntouched(rig, chunks)
  })

  it('lets no append that came later be stored before', async () => {
    const rig = await rigWith(CLICKS, { busyTimeout: 1_000 })
    const other = rig.connect()
    other.exec('begin immediate')
    const settled = rig.store.appendSettled([rig.draft({ payloads: ['first'] })], clicks(['a', 1]))
    await untilWaiting(rig)
    other.exec('commit')
    const append = rig.store.append([rig.draft({ payloads: ['second'] })])
    await rig.clock.advance(100)
    await Promise.all([settled, append])
    expect(rig.rows('select body, state from spillway_chunks order by seq')).toEqual([
      { body: '["first"]', state: 'done' },
      { body: '["second"]', state: 'ready' },
    ])
  })
})

describe('a store that is closed', () => {
  it('says so, whatever it is asked', async () => {
    const rig = await rigWith()
    await rig.store.close()
    for (const chunks of [drafts(rig), []]) {
      await expect(rig.store.appendSettled(chunks, clicks(['a', 1]))).rejects.toMatchObject({
        code: 'closed',
      })
    }
  })
})

describe('what a chunk costs', () => {
  it('is the same handful of statements however many commands it has, beside those that insert their rows', async () => {
    const counter = { runs: 0, prepared: 0 }
    const rig = await rigWith(CLICKS, { wrap: (client) => counting(client, counter) })
    const settle = async (round: string, size: number): Promise<number> => {
      const names = Array.from({ length: size }, (_, n) => `${round}-${n}`)
      const chunk = rig.draft({ payloads: names, keys: names })
      counter.runs = 0
      await rig.store.appendSettled([chunk], clicks(...names.map((name, n) => [name, n])))
      return counter.runs
    }
    await settle('first', 256)
    await settle('second', 256)
    counter.prepared = 0
    // Begin, the queue, the chunk's id, its keys, their group, its row, its body, commit; rows go by 32.
    expect(await settle('third', 256)).toBe(8 + 256 / 32)
    expect(await settle('fourth', 512)).toBe(8 + 512 / 32)
    expect(counter.prepared).toBe(0)
  })
})

/** Counts statements that are prepared and run. */
function counting(client: SqliteClient, counter: { runs: number; prepared: number }): SqliteClient {
  return {
    DatabaseSync: class extends client.DatabaseSync {
      override prepare(sql: string): SqliteStatement {
        counter.prepared += 1
        const statement = super.prepare(sql)
        return {
          run: (...values) => counted(() => statement.run(...values)),
          get: (...values) => counted(() => statement.get(...values)),
          all: (...values) => counted(() => statement.all(...values)),
        }
      }
    },
  }
  function counted<T>(work: () => T): T {
    counter.runs += 1
    return work()
  }
}
