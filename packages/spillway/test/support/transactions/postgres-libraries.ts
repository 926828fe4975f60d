// Transactions on PostgreSQL, as the documentation of each library shows them.

import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import knex from 'knex'
import { CamelCasePlugin, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { OpenLibrary, TransactionLibrary, UserTransaction } from './library.js'
import { openPrismaPostgres } from './prisma.js'

const orders = pgTable('orders', { id: integer().primaryKey() })

const clientOf: OpenLibrary = async (url) => {
  const client = new pg.Client(url)
  await client.connect()
  return {
    run: (work) => withClient(client, work),
    outside: { 'a client before BEGIN': client },
    close: () => client.end(),
  }
}

const poolOf: OpenLibrary = async (url) => {
  const pool = new pg.Pool({ connectionString: url })
  return {
    async run(work) {
      const client = await pool.connect()
      try {
        return await withClient(client, work)
      } finally {
        client.release()
      }
    },
    outside: { 'a pool': pool },
    close: () => pool.end(),
  }
}

async function withClient<T>(client: pg.ClientBase, work: (user: UserTransaction) => Promise<T>): Promise<T> {
  await client.query('begin')
  try {
    const value = await work({
      tx: client,
      order: (id) => client.query('insert into orders values ($1)', [id]),
    })
    await client.query('commit')
    return value
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

function kyselyWith(camelCase: boolean): OpenLibrary {
  return async (url) => {
    const dialect = new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) })
    const db = new Kysely<{ orders: { id: number } }>({
      dialect,
      plugins: camelCase ? [new CamelCasePlugin()] : [],
    })
    return {
      run: (work) =>
        db.transaction().execute((trx) =>
          work({
            tx: trx,
            order: (id) => trx.insertInto('orders').values({ id }).execute(),
          }),
        ),
      outside: { 'a Kysely instance': db },
      close: () => db.destroy(),
    }
  }
}

function drizzleWith(nested: boolean): OpenLibrary {
  return async (url) => {
    const pool = new pg.Pool({ connectionString: url })
    const db = drizzle(pool)
    type Tx = Parameters<Parameters<typeof db.transaction>[0]>[0]
    const user = (tx: Tx): UserTransaction => ({
      tx,
      order: (id) => tx.insert(orders).values({ id }),
    })
    return {
      run: (work) =>
        db.transaction((tx) => (nested ? tx.transaction((inner) => work(user(inner))) : work(user(tx)))),
      outside: { 'a Drizzle database': db },
      close: () => pool.end(),
    }
  }
}

function knexWith(nested: boolean): OpenLibrary {
  return async (url) => {
    const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 4 } })
    const user = (trx: knex.Knex.Transaction): UserTransaction => ({
      tx: trx,
      order: async (id) => trx('orders').insert({ id }),
    })
    const library: TransactionLibrary = {
      run: (work) =>
        db.transaction(async (trx) =>
          nested ? trx.transaction(async (inner) => work(user(inner))) : work(user(trx)),
        ),
      outside: { 'a Knex instance': db },
      close: () => db.destroy(),
    }
    return library
  }
}

export const POSTGRES_LIBRARIES: Readonly<Record<string, OpenLibrary>> = {
  'a pg client': clientOf,
  'a client of a pg pool': poolOf,
  Kysely: kyselyWith(false),
  'Kysely with the camel case plugin': kyselyWith(true),
  Drizzle: drizzleWith(false),
  'Drizzle, nested': drizzleWith(true),
  Knex: knexWith(false),
  'Knex, nested': knexWith(true),
  ...(openPrismaPostgres === null ? {} : { Prisma: openPrismaPostgres }),
}
