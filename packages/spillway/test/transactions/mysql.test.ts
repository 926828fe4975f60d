import mysql from 'mysql2/promise'
import { requireServer, type TestDatabase } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createSpillway, defineCommand, type Spillway } from '../../src/index.js'
import { MARIADB, type Observer, prepareDatabase } from './engine.js'
import { transactionalSubmit } from './transactional-submit.js'

transactionalSubmit(MARIADB)

const input = z.object({ id: z.number(), note: z.string().default('') })
const ship = defineCommand({
  name: 'order.ship',
  input,
  idempotencyKey: ({ id }) => `order ${id}`,
  handle: async () => {},
})
const track = defineCommand({
  name: 'order.track',
  queue: 'ordered',
  input,
  orderingKey: () => 'all',
  handle: async () => {},
})

requireServer(describe, 'mariadb')('a transaction on MariaDB', () => {
  let database: TestDatabase
  let observer: Observer
  let spillway: Spillway
  let connection: mysql.Connection

  beforeAll(async () => {
    ;({ database, observer } = await prepareDatabase(MARIADB))
    spillway = await createSpillway(
      {
        store: MARIADB.storeAt(database.url),
        commands: [ship, track],
        queues: { ordered: { ordered: { partitions: 1 } } },
      },
      { roles: ['intake'], migrate: true, logs: 'silent' },
    )
    connection = await mysql.createConnection(database.url)
  })
  afterAll(async () => {
    await connection?.end()
    await spillway?.close()
    await observer?.close()
    await database?.drop()
  })

  it.each(['read uncommitted', 'read committed', 'repeatable read', 'serializable'])(
    'may be %s: it sees keys that were committed since it began',
    async (isolation) => {
      const late = isolation.length * 10
      await connection.query(`set transaction isolation level ${isolation}`)
      await connection.beginTransaction()
      await connection.query('select * from orders')
      const elsewhere = await spillway.submit(ship, { id: late })
      expect(await spillway.submit(ship, { id: late }, { tx: connection })).toMatchObject({
        status: 'duplicate',
        id: elsewhere.id,
      })
      const fresh = await spillway.submit(ship, { id: late + 1 }, { tx: connection })
      await connection.commit()
      expect((await spillway.outcome(fresh.id)).state).toBe('accepted')
    },
  )

  it('keeps the order of a partition, whatever was committed since it began', async () => {
    const store = MARIADB.storeAt(database.url)
    await store.open()
    await connection.beginTransaction()
    await connection.query('select * from spillway_chunks')
    await spillway.submit(track, { id: 1 })
    await spillway.submit(track, { id: 2 }, { tx: connection })
    await connection.commit()
    const leases = await store.claim({
      ...{ queue: 'ordered', types: ['order.track'], chunksMax: 10, commandsMax: 10 },
      ...{ leaseMs: 30_000, workerId: 'test' },
    })
    expect(leases.map(({ body }) => body)).toEqual(['[{"id":1,"note":""}]'])
    await store.close()
  })

  it('may have settings of its own', async () => {
    const own = await mysql.createConnection({ uri: database.url, charset: 'latin1', rowsAsArray: true })
    await own.query("set session sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES,PIPES_AS_CONCAT'")
    await own.beginTransaction()
    const note = 'ä \\ \' " ? 😀 \u0000'
    const receipt = await spillway.submit(ship, { id: 500, note }, { tx: own })
    await own.commit()
    await own.end()
    const { payload = '' } = await spillway.outcome(receipt.id, { payload: true })
    expect(JSON.parse(payload)).toEqual({ id: 500, note })
  })

  it('must be on the database of the store, on the same server too', async () => {
    const own = await mysql.createConnection(database.url)
    await own.beginTransaction()
    await own.query('use information_schema')
    await expect(spillway.submit(ship, { id: 510 }, { tx: own })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('another database'),
    })
    await own.end()
  })

  it('is over when its connection is lost, and the submit says so', async () => {
    const own = await mysql.createConnection(database.url)
    own.on('error', () => {})
    await own.beginTransaction()
    await observer.query(`kill ${own.threadId}`)
    await expect(spillway.submit(ship, { id: 530 }, { tx: own })).rejects.toMatchObject({
      code: 'store_unavailable',
      retryable: true,
    })
    own.destroy()
    expect((await spillway.submit(ship, { id: 530 })).status).toBe('accepted')
  })
})
