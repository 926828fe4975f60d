// The whole life of commands behind PgBouncer in transaction mode: every transaction may have another connection of the server, nothing
// outlives one, nothing is prepared, and nobody is notified: what one process submits, the other finds by polling.

import pg from 'pg'
import {
  requireServer,
  sharedPostgres,
  startPgBouncer,
  type TestDatabase,
  urlAtPort,
} from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import {
  createSpillway,
  defineCommand,
  failed,
  into,
  migrate,
  type Role,
  type Spillway,
} from '../../src/index.js'
import { systemClock } from '../../src/runtime/index.js'
import { postgres } from '../../src/stores/postgres/index.js'

const LEASE_MS = 2_000
/** Enough for a sink to drain them through a staging table. */
const CLICKS = 3_000
const WAIT = { wait: '20s' } as const
const TABLES = [
  'create table orders (id text primary key)',
  'create table clicks (id text primary key, url text)',
  'create table seen (at bigint generated always as identity, key text, id text)',
]
const Named = z.object({ id: z.string() })

requireServer(describe, 'pgbouncer')('behind PgBouncer in transaction mode', () => {
  let bouncer: Awaited<ReturnType<typeof startPgBouncer>>
  let database: TestDatabase
  let url: string
  let application: pg.Pool
  let intake: Spillway
  let worker: Spillway

  const commands = [
    defineCommand({
      ...{ name: 'order', input: Named, settlement: 'transaction' },
      idempotencyKey: ({ id }) => id,
      handle: async ({ id }, { tx }) => {
        await tx.query('insert into orders values ($1)', [id])
      },
    }),
    defineCommand({
      ...{ name: 'click', queue: 'clicks', input: Named.extend({ url: z.string() }) },
      ...{ handleBatch: into('clicks', { key: ['id'] }), deduplicate: 'effect' },
    }),
    defineCommand({
      ...{ name: 'letter', queue: 'letters', input: Named },
      retry: { attempts: 2, backoff: { delay: 1, jitter: 'none' } },
      handle: async ({ id }, { attempt, signal }) => {
        if (id === 'refused') return failed('no such address')
        if (id === 'unlucky' && attempt === 1) throw new Error('the relay is away')
        if (id === 'long') await systemClock.sleep(LEASE_MS * 2, signal)
        return { attempt }
      },
    }),
    defineCommand({
      ...{ name: 'step', queue: 'steps', input: Named.extend({ key: z.string() }) },
      orderingKey: ({ key }) => key,
      handle: async ({ id, key }) => {
        await application.query('insert into seen (key, id) values ($1, $2)', [key, id])
      },
    }),
  ]

  const start = (...roles: Role[]): Promise<Spillway> =>
    createSpillway(
      {
        store: postgres(url, { prepare: false, listen: false }),
        commands,
        queues: { letters: { lease: LEASE_MS }, steps: { ordered: { partitions: 4 } } },
        worker: { poll: 20 },
      },
      { roles, logs: 'silent' },
    )

  beforeAll(async () => {
    const server = await sharedPostgres()
    // What a transaction leaves on a connection is gone for the next one, as if it had another.
    const settings = { server_reset_query_always: '1', server_reset_query: 'DISCARD ALL' }
    bouncer = await startPgBouncer({ postgres: server, poolMode: 'transaction', settings })
    database = await server.createDatabase()
    url = urlAtPort(database.url, bouncer.port)
    application = new pg.Pool({ connectionString: url, max: 4 })
    for (const table of TABLES) await application.query(table)
    await migrate(postgres(url, { prepare: false, listen: false }))
    intake = await start('intake')
    worker = await start('worker', 'maintenance')
  })
  afterAll(async () => {
    await Promise.all([intake?.close(), worker?.close()])
    await application?.end()
    await bouncer?.stop()
    await database?.drop()
  })

  const count = async (table: string): Promise<number> =>
    Number((await application.query(`select count(*) from ${table}`)).rows[0]?.count)
  const sent = async (command: string, payload: object, options = {}): Promise<string> =>
    (await intake.submit(command, payload, options)).id

  it('commands are accepted once, run in the settlement’s transaction, and are seen to end', async () => {
    const receipt = await intake.submit('order', { id: 'a' })
    expect(await intake.outcome(receipt.id, WAIT)).toMatchObject({ state: 'succeeded', attempts: 1 })
    expect(await intake.submit('order', { id: 'a' })).toMatchObject({ status: 'duplicate', id: receipt.id })
    expect(await count('orders')).toBe(1)
  })

  it("commands in the caller's own transaction exist when that commits", async () => {
    const client = await application.connect()
    try {
      await client.query('begin')
      const lost = await intake.submit('order', { id: 'lost' }, { tx: client })
      await client.query('rollback')
      await client.query('begin')
      const kept = await intake.submit('order', { id: 'kept' }, { tx: client })
      await client.query('commit')
      expect(await intake.outcome(kept.id, WAIT)).toMatchObject({ state: 'succeeded' })
      await expect(intake.outcome(lost.id)).rejects.toMatchObject({ code: 'not_found' })
    } finally {
      client.release()
    }
  })

  it('a backlog drains into a table, and drained again changes nothing', async () => {
    await intake.pause('clicks')
    const clicks = Array.from({ length: CLICKS }, (_, n) => ({ id: `c${n}`, url: `/${n}` }))
    for (let round = 0; round < 2; round += 1) {
      const verdicts = await intake.submitMany('click', clicks)
      expect(verdicts.filter(({ ok }) => !ok)).toEqual([])
    }
    await intake.resume('clicks')
    await worker.drain()
    expect(await count('clicks')).toBe(CLICKS)
  })

  it('retries, refusals, delays, cancelling and running again work', async () => {
    const unlucky = await sent('letter', { id: 'unlucky' })
    const refused = await sent('letter', { id: 'refused' })
    const delayed = await sent('letter', { id: 'delayed' }, { delay: 50 })
    const cancelled = await sent('letter', { id: 'cancelled' }, { delay: '1h' })
    expect(await intake.cancel([cancelled])).toEqual(['ok'])
    expect(await intake.outcome(unlucky, WAIT)).toMatchObject({ state: 'succeeded', attempts: 2 })
    expect(await intake.outcome(refused, WAIT)).toMatchObject({ state: 'failed' })
    expect(await intake.outcome(delayed, WAIT)).toMatchObject({ state: 'succeeded' })
    expect(await intake.redrive([cancelled])).toEqual(['ok'])
    expect(await intake.outcome(cancelled, WAIT)).toMatchObject({ state: 'succeeded', generation: 1 })
  })

  it('a lease is kept for as long as its handler runs', async () => {
    const long = await sent('letter', { id: 'long' })
    expect(await intake.outcome(long, WAIT)).toMatchObject({ state: 'succeeded', result: '{"attempt":1}' })
  })

  it('an ordered queue keeps its order', async () => {
    const steps = Array.from({ length: 40 }, (_, n) => ({ key: `k${n % 4}`, id: String(n) }))
    const verdicts = await intake.submitMany('step', steps)
    expect(verdicts.every(({ ok }) => ok)).toBe(true)
    await worker.drain()
    const { rows } = await application.query('select key, id from seen order by key, at')
    expect(rows).toEqual([...steps].sort((a, b) => a.key.localeCompare(b.key) || Number(a.id) - Number(b.id)))
  })

  it('both processes are among the nodes, and the accounts balance', async () => {
    await expect
      .poll(() => intake.nodes(), { timeout: 20_000 })
      .toMatchObject([
        { roles: ['intake'], alive: true },
        { roles: ['worker', 'maintenance'], alive: true, holds: ['maintenance'] },
      ])
    const { accepted, succeeded, failed: refused } = await intake.accounting()
    expect(accepted).toBe(succeeded + refused)
    expect(await intake.health()).toMatchObject({ ready: true })
  })
})
