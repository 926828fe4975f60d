// Transactions on MySQL and MariaDB, as the documentation of each library shows them.

import { int, mysqlTable } from 'drizzle-orm/mysql-core'
import { drizzle } from 'drizzle-orm/mysql2'
import knex from 'knex'
import { Kysely, MysqlDialect } from 'kysely'
import mysql from 'mysql2'
import mysqlPromise from 'mysql2/promise'
import type { OpenLibrary, UserTransaction } from './library.js'
import { openPrismaMySql } from './prisma.js'

const orders = mysqlTable('orders', { id: int().primaryKey() })

const promises: OpenLibrary = async (url) => {
  const connection = await mysqlPromise.createConnection({ uri: url, ...OWN_WAYS })
  return {
    run: (work) => withConnection(connection, connection, work),
    outside: { 'a connection before BEGIN': connection },
    close: () => connection.end(),
  }
}

const promisePool: OpenLibrary = async (url) => {
  const pool = mysqlPromise.createPool(url)
  return {
    async run(work) {
      const connection = await pool.getConnection()
      try {
        return await withConnection(connection, connection, work)
      } finally {
        connection.release()
      }
    },
    outside: { 'a pool': pool },
    close: () => pool.end(),
  }
}

const callbacks: OpenLibrary = async (url) => {
  const connection = mysql.createConnection({ uri: url, ...OWN_WAYS })
  const promised = connection.promise()
  return {
    run: (work) => withConnection(connection, promised, work),
    outside: { 'a connection before BEGIN': connection, 'a pool': mysql.createPool(url) },
    close: () => promised.end(),
  }
}

/** Settings of a user that change what queries take and give. */
const OWN_WAYS = {
  rowsAsArray: true,
  namedPlaceholders: true,
  bigNumberStrings: true,
  supportBigNumbers: true,
}

async function withConnection<T>(
  tx: object,
  connection: mysqlPromise.Connection,
  work: (user: UserTransaction) => Promise<T>,
): Promise<T> {
  await connection.beginTransaction()
  try {
    const value = await work({
      tx,
      order: (id) => connection.query('insert into orders values (?)', [id]),
    })
    await connection.commit()
    return value
  } catch (error) {
    await connection.rollback()
    throw error
  }
}

const kysely: OpenLibrary = async (url) => {
  const dialect = new MysqlDialect({ pool: mysql.createPool(url) })
  const db = new Kysely<{ orders: { id: number } }>({ dialect })
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

function drizzleWith(nested: boolean): OpenLibrary {
  return async (url) => {
    const pool = mysqlPromise.createPool(url)
    const db = drizzle({ client: pool })
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
    const db = knex({ client: 'mysql2', connection: url, pool: { min: 0, max: 4 } })
    const user = (trx: knex.Knex.Transaction): UserTransaction => ({
      tx: trx,
      order: async (id) => trx('orders').insert({ id }),
    })
    return {
      run: (work) =>
        db.transaction(async (trx) =>
          nested ? trx.transaction(async (inner) => work(user(inner))) : work(user(trx)),
        ),
      outside: { 'a Knex instance': db },
      close: () => db.destroy(),
    }
  }
}

export const MYSQL_LIBRARIES: Readonly<Record<string, OpenLibrary>> = {
  'a mysql2 connection with promises': promises,
  'a connection of a mysql2 pool': promisePool,
  'a mysql2 connection with callbacks': callbacks,
  Kysely: kysely,
  Drizzle: drizzleWith(false),
  'Drizzle, nested': drizzleWith(true),
  Knex: knexWith(false),
  'Knex, nested': knexWith(true),
  ...(openPrismaMySql === null ? {} : { Prisma: openPrismaMySql }),
}
