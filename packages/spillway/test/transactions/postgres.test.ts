import pg from 'pg'
import { requireServer, type TestDatabase } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSpillway, defineCommand, type Spillway } from '../../src/index.js'
import { type Observer, POSTGRES, prepareDatabase } from './engine.js'
import { transactionalSubmit } from './transactional-submit.js'

transactionalSubmit(POSTGRES)

const ship = defineCommand({
  name: 'order.ship',
  input: z.object({ id: z.number() }),
  idempotencyKey: ({ id }) => `order ${id}`,
  handle: async () => {},
})

requireServer(describe, 'postgres')('a transaction on PostgreSQL', () => {
  let database: TestDatabase
  let observer: Observer
  let spillway: Spillway
  let client: pg.Client

  beforeAll(async () => {
    ;({ database, observer } = await prepareDatabase(POSTGRES))
    spillway = await createSpillway(
      { store: POSTGRES.storeAt(database.url), commands: [ship] },
      { roles: ['intake'], migrate: true, logs: 'silent' },
    )
    client = new pg.Client(database.url)
    await client.connect()
  })
  afterAll(async () => {
    await client?.end()
    await spillway?.close()
    await observer?.close()
    await database?.drop()
  })

  it('wakes workers elsewhere when it commits', async () => {
    const worker = await createSpillway(
      { store: POSTGRES.storeAt(database.url), commands: [ship], worker: { poll: '1h' } },
      { roles: ['worker'], logs: 'silent' },
    )
    try {
      // What is there when a worker starts is found without a word.
      for (const id of [1, 2]) {
        await client.query('begin')
        const receipt = await spillway.submit(ship, { id }, { tx: client })
        await client.query('commit')
        expect(await spillway.outcome(receipt.id, { wait: '20s' })).toMatchObject({ state: 'succeeded' })
      }
    } finally {
      await worker.close()
    }
  })

  it.each(['read committed', 'repeatable read', 'serializable'])('may be %s', async (isolation) => {
    const [known, late, fresh] = [isolation.length * 10, isolation.length * 10 + 1, isolation.length * 10 + 2]
    const first = await spillway.submit(ship, { id: known })
    await client.query(`begin isolation level ${isolation}`)
    await client.query('select * from orders')
    expect(await spillway.submit(ship, { id: known }, { tx: client })).toMatchObject({
      status: 'duplicate',
      id: first.id,
    })
    const receipt = await spillway.submit(ship, { id: fresh }, { tx: client })
    const elsewhere = await spillway.submit(ship, { id: late })
    const again = spillway.submit(ship, { id: late }, { tx: client })
    if (isolation === 'read committed') {
      expect(await again).toMatchObject({ status: 'duplicate', id: elsewhere.id })
      await client.query('commit')
      expect((await spillway.outcome(receipt.id)).state).toBe('accepted')
    } else {
      // It cannot see what was committed since it began, and so must be run again.
      await expect(again).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
      await client.query('rollback')
    }
  })

  it('may have settings of its own', async () => {
    const own = new pg.Client({
      connectionString: database.url,
      types: { getTypeParser: () => () => 'parsed by the application' },
    } as pg.ClientConfig)
    await own.connect()
    await own.query("set search_path = ''")
    await own.query('set enable_indexscan = off')
    await own.query('begin')
    await expect(spillway.submit(ship, { id: 500 }, { tx: own })).resolves.toMatchObject({
      status: 'accepted',
    })
    await own.query('commit')
    await own.end()
    expect((await spillway.submit(ship, { id: 500 })).status).toBe('duplicate')
  })

  it('may belong to a pipelining client', async () => {
    const own = new pg.Client({ connectionString: database.url, pipeline: true } as pg.ClientConfig)
    await own.connect()
    const steps = [own.query('begin'), spillway.submit(ship, { id: 510 }, { tx: own })]
    await Promise.all(steps)
    await own.query('commit')
    await own.end()
    expect((await spillway.submit(ship, { id: 510 })).status).toBe('duplicate')
  })

  it('needs rights on the tables of the store, and says so', async () => {
    const role = `app_${database.url.replace(/\W/g, '_').slice(-30)}`
    await observer.query(`create role ${role} login`)
    const url = new URL(database.url)
    url.username = role
    url.password = ''
    const own = new pg.Client(url.href)
    try {
      await own.connect()
      await own.query('begin')
      await expect(spillway.submit(ship, { id: 520 }, { tx: own })).rejects.toMatchObject({
        code: 'store_incompatible',
        message: expect.stringContaining('rights'),
      })
      await own.query('rollback')
      await observer.query(`grant usage on schema spillway to ${role}`)
      await observer.query(`grant select, insert, update on all tables in schema spillway to ${role}`)
      await own.query('begin')
      await spillway.submit(ship, { id: 520 }, { tx: own })
      await own.query('commit')
      expect((await spillway.submit(ship, { id: 520 })).status).toBe('duplicate')
    } finally {
      await own.end()
      await observer.query(`drop owned by ${role}`)
      await observer.query(`drop role ${role}`)
    }
  })

  it('is over when its connection is lost, and the submit says so', async () => {
    const own = new pg.Client(database.url)
    own.on('error', () => {})
    await own.connect()
    await own.query('begin')
    const { rows } = await own.query('select pg_backend_pid() as pid')
    await observer.query(`select pg_terminate_backend(${rows[0].pid})`)
    await expect(spillway.submit(ship, { id: 530 }, { tx: own })).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    })
    await own.end().catch(() => {})
    expect((await spillway.submit(ship, { id: 530 })).status).toBe('accepted')
  })
})
