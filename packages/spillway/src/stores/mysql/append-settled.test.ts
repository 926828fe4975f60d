// Storing chunks as settled together with their rows: what it costs the server, whose fault an error in the middle of the packet is, and what
// locks, lost connections and turned key tables do to it.

import type { Connection } from 'mysql2/promise'
import { urlAtPort } from 'spillway-test-bed'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { CLICKS, rigWith } from '../../../test/support/mysql-bulk.js'
import { killStores, openTransactions, untilOneWaits } from '../../../test/support/mysql-disturbances.js'
import { type MysqlRig, mysqlRig, TEST_OPTIONS } from '../../../test/support/mysql-rig.js'
import { CHUNK_BYTES_MAX, type ChunkDraft, commandId } from '../../domain/index.js'
import type { BulkWrite } from '../../ports/index.js'
import { FaultProxy } from '../../testing/index.js'
import { mysql } from './index.js'

const DAY_MS = 86_400_000
/** Far longer than the server takes to undo a transaction. */
const WAITING_MS = 20_000

function clicks(ids: readonly string[], others: Partial<BulkWrite> = {}): BulkWrite {
  const rows = [...ids].sort().map((id, n) => [id, n])
  return { table: 'clicks', columns: ['id', 'n'], key: ['id'], onConflict: 'update', rows, ...others }
}

async function clicked(rig: MysqlRig): Promise<unknown[]> {
  return (await rig.rows('select id from clicks order by id')).map(({ id }) => id)
}

/** What a call that is to change nothing could have changed. */
function everything(rig: MysqlRig): Promise<unknown[][]> {
  const tables = ['clicks', 'spillway_chunks', 'spillway_keys_0', 'spillway_keys_1', 'spillway_queues']
  return Promise.all(tables.map((table) => rig.rows(`select * from ${table}`)))
}

/** Holds the row of one click, so that whoever writes it waits. */
async function holding(rig: MysqlRig, id: string): Promise<Connection> {
  const holder = await rig.connect()
  await holder.beginTransaction()
  await holder.query('select * from clicks where id = ? for update', [id])
  return holder
}

/** With one connection, so that what a call leaves on it meets the next. */
async function lonelyRig(...statements: string[]): Promise<MysqlRig> {
  const rig = await mysqlRig({ poolSize: 1 })
  for (const statement of statements) await rig.rows(statement)
  return rig
}

const REQUEST = { queue: 'main', types: ['work'], chunksMax: 9, commandsMax: 9, leaseMs: 1, workerId: 'w' }

describe('chunks that are stored as settled', () => {
  it('come with their rows and keys, and there is nothing left to claim', async () => {
    const rig = await rigWith(CLICKS)
    const draft = rig.draft({ payloads: ['a', 'b'], keys: ['a', 'b'], tenant: 't' })
    const createdAt = await rig.store.appendSettled([draft], clicks(['a', 'b']))
    expect(createdAt).toBe(rig.clock.now())
    expect(await clicked(rig)).toEqual(['a', 'b'])
    expect(await rig.store.claim(REQUEST)).toEqual([])
    expect(await rig.store.reader.accounting()).toMatchObject({ accepted: 2, succeeded: 2, ready: 0 })
    expect(await rig.store.append([draft])).toEqual([{ createdAt, verdicts: null }])
  })

  it('take one round trip: they are committed before the server has answered anything', async () => {
    const near = await rigWith(CLICKS)
    const proxy = await FaultProxy.listen({ port: Number(new URL(near.database.url).port) })
    onTestFinished(() => proxy.close())
    const far = mysql(urlAtPort(near.database.url, proxy.port), { ...TEST_OPTIONS, poolSize: 1 })
    await far.open()
    onTestFinished(() => far.close())
    await far.appendSettled([near.draft({ keys: ['warm'] })], clicks(['warm']))
    proxy.pause('toClient')
    const storing = far.appendSettled([near.draft({ keys: ['k'] })], clicks(['a']))
    while ((await clicked(near)).length < 2) await near.rows('do sleep(0.01)')
    proxy.resume()
    expect(await storing).not.toBe(null)
  })

  it('are as those that were appended, claimed and settled, but for who had the lease', async () => {
    const rig = await rigWith(CLICKS)
    const options = { payloads: ['a', 'b'], priority: 3, tenant: 't' }
    const { chunkId, token } = await rig.lease(options)
    await rig.store.settle([{ chunkId, token, updates: [], finished: [], complete: true }])
    await rig.store.appendSettled([rig.draft(options)], clicks(['a']))
    const [long, short] = await rig.rows('select * from spillway_chunks order by seq')
    const lease = { token: 0, leased_by: null, lease_expires_at: 0 }
    expect(short).toEqual({ ...long, ...lease, seq: short?.seq, id: short?.id })
  })

  it('are stored together however many packets that takes, or not at all', async () => {
    const rig = await rigWith(CLICKS, 'alter table clicks modify note longtext')
    const large = (): ChunkDraft[] =>
      [1, 2].map(() => rig.draft({ payloads: ['x'.repeat(CHUNK_BYTES_MAX - 10)] }))
    const note = "ä'".repeat(1024 * 1024)
    const rows = (n: number): BulkWrite =>
      clicks([], { columns: ['id', 'note'], rows: [1, 2, 3].map((m) => [`${n}.${m}`, note]) })
    expect(await rig.store.appendSettled(large(), rows(1))).not.toBe(null)
    const [first, second] = large()
    await rig.store.append([second as ChunkDraft])
    expect(await rig.store.appendSettled([first as ChunkDraft, second as ChunkDraft], rows(2))).toBe(null)
    expect(await clicked(rig)).toEqual(['1.1', '1.2', '1.3'])
  })
})

describe('a call that is answered by null', () => {
  it('has changed nothing, not even the list of queues, and leaves no transaction open', async () => {
    const rig = await rigWith(CLICKS)
    const known = rig.draft({ keys: ['known'] })
    await rig.store.append([known])
    await rig.store.control.configureQueue('paused', { paused: true })
    await rig.store.control.configureQueue('limited', { leasesMax: 5 })
    const before = await everything(rig)
    const [twice, fresh] = [rig.draft(), rig.draft()]
    const calls: readonly (readonly ChunkDraft[])[] = [
      [],
      [rig.draft({ queue: 'new' }), { ...known, queue: 'new', keys: null }],
      [twice, fresh, twice],
      [rig.draft({ queue: 'new', keys: ['known'] })],
      [rig.draft({ payloads: ['x'], keys: ['known'] })],
      [rig.draft({ payloads: [1, 1], keys: ['same', 'same'] })],
      [rig.draft({ keys: ['same'] }), rig.draft({ keys: ['same'] })],
      [rig.draft({ queue: 'paused' })],
      [fresh, rig.draft({ queue: 'limited' })],
      [rig.draft({ queue: 'new', partition: 1 })],
      [rig.draft({ parked: [{ state: 'scheduled', nextAt: 0, attempts: 0, error: null }] })],
    ]
    for (const [at, drafts] of calls.entries()) {
      expect([at, await rig.store.appendSettled(drafts, clicks(['a']))]).toEqual([at, null])
    }
    expect(await rig.store.appendSettled([fresh], clicks([]))).toBe(null)
    expect(await everything(rig)).toEqual(before)
    expect(await openTransactions(await rig.connect())).toEqual([])
    expect(await rig.store.appendSettled([fresh], clicks(['a']))).not.toBe(null)
  })
})

describe('a row that cannot be written', () => {
  it.each([
    ['equals another in a unique index, where no key is named', { key: [], rows: [['a', 1]] }, 'data', 1062],
    ['equals another in a unique index that is not the key', { rows: [['b', 7]] }, 'data', undefined],
    ['has a value that the column cannot hold', { rows: [['b', 'text']] }, 'data', 1366],
    ['has no value for a column that needs one', { rows: [['b', null]] }, 'data', 1048],
    ['has a value that is none', { rows: [['b', Symbol('none')]] }, 'data', undefined],
    ['is for a table that is missing', { table: 'nowhere', rows: [['b', 1]] }, 'schema', undefined],
    ['is for a column that is missing', { columns: ['id', 'm'], rows: [['b', 1]] }, 'schema', undefined],
  ])('because it %s rejects, and has changed nothing', async (_, bulk, fault, errno) => {
    const rig = await rigWith(
      'create table clicks (id varchar(50) primary key, n int not null unique)',
      "insert into clicks values ('a', 7)",
    )
    const before = await everything(rig)
    const draft = rig.draft({ queue: 'new', keys: ['k'] })
    const failing = rig.store.appendSettled([draft], clicks([], bulk))
    await expect(failing).rejects.toMatchObject({ fault, ...(errno !== undefined && { errno }) })
    expect(await everything(rig)).toEqual(before)
    expect(await openTransactions(await rig.connect())).toEqual([])
    expect(await rig.store.appendSettled([draft], clicks(['b']))).not.toBe(null)
  })

  it('because the table has changed is written once the table was mended', async () => {
    const rig = await rigWith(CLICKS)
    await rig.store.appendSettled([rig.draft()], clicks(['a']))
    await rig.rows('alter table clicks drop column n')
    const late = rig.store.appendSettled([rig.draft()], clicks(['b']))
    await expect(late).rejects.toMatchObject({ fault: 'schema' })
    await rig.rows('alter table clicks add column n int')
    expect(await rig.store.appendSettled([rig.draft()], clicks(['b']))).not.toBe(null)
  })
})

describe('keys', () => {
  it('that have expired are free, in whichever table they are', async () => {
    const rig = await rigWith(CLICKS)
    await rig.store.append([rig.draft({ keys: ['k'], windowMs: 1_000 })])
    await rig.clock.advance(1_000)
    const taking = rig.draft({ keys: ['k'], windowMs: 1_000 })
    expect(await rig.store.appendSettled([taking], clicks(['a']))).not.toBe(null)
    expect((await rig.store.append([rig.draft({ keys: ['k'] })]))[0]?.verdicts).toEqual([
      { status: 'duplicate', id: commandId(taking.id, 0) },
    ])
    await rig.rows(
      `update spillway_key_ring set generation = 1, window_ms = ${DAY_MS}, aging_until = ${rig.clock.now() + 1_000}`,
    )
    expect(await rig.store.appendSettled([rig.draft({ keys: ['k'] })], clicks(['b']))).toBe(null)
    await rig.clock.advance(1_000)
    expect(await rig.store.appendSettled([rig.draft({ keys: ['k'] })], clicks(['b']))).not.toBe(null)
  })

  it('go to the current table after their tables took turns, without a vain call', async () => {
    const rig = await rigWith(CLICKS)
    await rig.store.appendSettled([rig.draft({ keys: ['old'] })], clicks(['a']))
    await rig.rows(
      `update spillway_key_ring set generation = 1, window_ms = 0, aging_until = ${rig.clock.now() + DAY_MS}`,
    )
    expect(await rig.store.appendSettled([rig.draft({ keys: ['new'] })], clicks(['b']))).not.toBe(null)
    expect(await rig.store.appendSettled([rig.draft({ keys: ['old'] })], clicks(['c']))).toBe(null)
    expect(await rig.rows('select convert(idempotency_key using utf8mb4) as k from spillway_keys_1')).toEqual(
      [{ k: 'new' }],
    )
    expect(await clicked(rig)).toEqual(['a', 'b'])
  })

  it('that many calls want at once, in any order, have one owner each, and no call fails', async () => {
    const rig = await rigWith(CLICKS)
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`)
    const drafts = Array.from({ length: 16 }, (_, n) => {
      const order = n % 2 === 0 ? keys : [...keys].reverse()
      return rig.draft({ payloads: order, keys: order })
    })
    const answers = await Promise.all(
      drafts.map((draft, n) => rig.store.appendSettled([draft], clicks([...keys, `call ${n}`]))),
    )
    const stored = answers.flatMap((answer, n) => (answer === null ? [] : [`call ${n}`]))
    expect(stored).toHaveLength(1)
    expect(await clicked(rig)).toEqual([...stored, ...keys].sort())
  })
})

describe('a row that another transaction holds', () => {
  it('is given up after the wait, with nothing changed and nothing left on the connection', async () => {
    const rig = await lonelyRig(CLICKS, "insert into clicks values ('a', 0, null)")
    const holder = await holding(rig, 'a')
    const before = await everything(rig)
    const draft = rig.draft({ keys: ['k'] })
    expect(await rig.store.appendSettled([draft], clicks(['a', 'b']), { lockWaitMs: 25 })).toBe(null)
    expect(await everything(rig)).toEqual(before)
    const patient = rig.store.appendSettled([draft], clicks(['a', 'b']))
    await untilOneWaits(holder)
    await holder.query('do sleep(1.5)')
    await holder.rollback()
    expect(await patient).not.toBe(null)
    expect(await clicked(rig)).toEqual(['a', 'b'])
  })

  it('keeps nobody else from storing chunks and keys', async () => {
    const rig = await rigWith(CLICKS, "insert into clicks values ('a', 0, null)")
    const holder = await holding(rig, 'a')
    const waiting = rig.store.appendSettled([rig.draft({ keys: ['k'] })], clicks(['a']))
    await untilOneWaits(holder)
    await rig.rows('update spillway_key_ring set window_ms = window_ms + 1')
    await rig.store.append([rig.draft({ keys: ['k'] })])
    await holder.rollback()
    expect(await waiting).toBe(null)
    expect(await rig.rows('select n from clicks')).toEqual([{ n: 0 }])
  })

  it('is not written if the queue is paused meanwhile', async () => {
    const rig = await rigWith(CLICKS, "insert into clicks values ('a', 5, null)")
    const holder = await holding(rig, 'a')
    const waiting = rig.store.appendSettled([rig.draft()], clicks(['a']))
    await untilOneWaits(holder)
    await rig.store.control.configureQueue('main', { paused: true })
    await holder.rollback()
    expect(await waiting).toBe(null)
    expect(await rig.rows('select n from clicks')).toEqual([{ n: 5 }])
  })

  it('keeps half of the connections waiting at most, and the store goes on with the others', async () => {
    const rig = await mysqlRig({ poolSize: 2 })
    await rig.rows(`${CLICKS}; insert into clicks values ('a', 0, null)`)
    const holder = await holding(rig, 'a')
    const waiting = [1, 2, 3].map(() => rig.store.appendSettled([rig.draft()], clicks(['a'])))
    const answers = Promise.allSettled(waiting)
    await untilOneWaits(holder)
    await rig.store.append([rig.draft()])
    await holder.rollback()
    expect((await answers).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
  })

  it('is begun again by itself where the server undid the transaction in favour of the other', async () => {
    const rig = await rigWith(CLICKS, "insert into clicks values ('a', 5, null), ('b', 5, null)")
    const holder = await holding(rig, 'b')
    const storing = rig.store.appendSettled([rig.draft({ keys: ['k'] })], clicks(['a', 'b']))
    await untilOneWaits(holder)
    // Heavier, so that the other one is undone.
    const more = Array.from({ length: 100 }, (_, n) => `('more ${n}', 0, null)`)
    await holder.query(`insert into clicks values ${more.join(', ')}`)
    await holder.query("select * from clicks where id = 'a' for update")
    await holder.rollback()
    expect(await storing).not.toBe(null)
    expect(await rig.rows('select id, n from clicks order by id')).toEqual([
      { id: 'a', n: 0 },
      { id: 'b', n: 1 },
    ])
  })
})

describe('a table that is being changed', () => {
  it('is given up after the wait', async () => {
    const rig = await rigWith(CLICKS)
    await rig.store.appendSettled([rig.draft()], clicks(['warm']))
    const changing = await rig.connect()
    await changing.query('lock tables clicks write')
    expect(await rig.store.appendSettled([rig.draft()], clicks(['a']), { lockWaitMs: 25 })).toBe(null)
    await changing.query('unlock tables')
    expect(await clicked(rig)).toEqual(['warm'])
  })
})

describe('a call that is interrupted', () => {
  it.each(['kill', 'kill query'])(
    'by %s rejects as unavailable, and the same call works afterwards',
    async (kill) => {
      const rig = await lonelyRig(CLICKS, "insert into clicks values ('a', 0, null)")
      const before = await everything(rig)
      const holder = await holding(rig, 'a')
      const draft = rig.draft({ keys: ['k'] })
      const storing = rig.store.appendSettled([draft], clicks(['0', 'a']))
      storing.catch(() => {})
      await rig.rows(`${kill} ${await untilOneWaits(holder)}`)
      await expect(storing).rejects.toMatchObject({ code: 'store_unavailable', fault: 'transient' })
      expect(await everything(rig)).toEqual(before)
      await holder.rollback()
      // A connection that was ended has heard of it before the server has undone what was open on it.
      await vi.waitFor(async () => expect(await openTransactions(holder)).toEqual([]), WAITING_MS)
      expect(await rig.store.appendSettled([draft], clicks(['0', 'a']))).not.toBe(null)
    },
  )

  it('at any moment, many times, has stored a chunk with its rows or neither, as a resend tells', async () => {
    const rig = await rigWith(CLICKS)
    const drafts = Array.from({ length: 40 }, (_, n) => rig.draft({ keys: [`key ${n}`] }))
    let left = drafts.length
    const killing = (async () => {
      for (let rounds = 0; left > 0 && rounds < 30; rounds += 1) await killStores(rig)
    })()
    await Promise.all(
      drafts.map(async (draft, n) => {
        await untilStored(rig, draft, clicks([`row ${n}`]))
        left -= 1
      }),
    )
    await killing
    const done = await rig.rows("select id from spillway_chunks where state = 'done'")
    expect(new Set(done.map(({ id }) => id)).size).toBe(40)
    expect(await clicked(rig)).toHaveLength(40)
  })
})

/** By the same call until it answers; null then means that it was stored by one whose answer was lost. */
async function untilStored({ store }: MysqlRig, draft: ChunkDraft, rows: BulkWrite): Promise<void> {
  for (let failures = 0; ; failures += 1) {
    try {
      await store.appendSettled([draft], rows)
      return
    } catch (error) {
      expect(error).toMatchObject({ code: 'store_unavailable' })
      expect(failures).toBeLessThan(1_000)
    }
  }
}

describe('a store that is closed', () => {
  it('says so', async () => {
    const rig = await rigWith(CLICKS)
    await rig.store.close()
    const late = rig.store.appendSettled([rig.draft()], clicks(['a']))
    await expect(late).rejects.toMatchObject({ code: 'closed' })
  })
})
