// A database engine as the tests of transactional submit see it: its store, its libraries, and an observer on a connection of its own.

import mysqlDriver from 'mysql2/promise'
import pg from 'pg'
import { sharedMariaDb, sharedPostgres, type TestDatabase } from 'spillway-test-bed'
import type { Store } from '../../src/index.js'
import { mysql } from '../../src/stores/mysql/index.js'
import { postgres } from '../../src/stores/postgres/index.js'
import { waitingThreads } from '../support/mysql-disturbances.js'
import { type OpenLibrary, ORDERS_TABLE } from '../support/transactions/library.js'
import { MYSQL_LIBRARIES } from '../support/transactions/mysql-libraries.js'
import { POSTGRES_LIBRARIES } from '../support/transactions/postgres-libraries.js'

export interface Observer {
  query(sql: string): Promise<Record<string, unknown>[]>
  /** How many statements of the database wait for a lock. */
  waiting(): Promise<number>
  close(): Promise<void>
}

export interface Engine {
  readonly name: string
  readonly server: 'postgres' | 'mariadb'
  readonly libraries: Readonly<Record<string, OpenLibrary>>
  createDatabase(): Promise<TestDatabase>
  storeAt(url: string): Store
  observe(url: string): Promise<Observer>
  /** Where the store keeps its chunks. */
  readonly chunksTable: string
}

const PROCESSES_WAITING =
  "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

export const POSTGRES: Engine = {
  name: 'PostgreSQL',
  server: 'postgres',
  libraries: POSTGRES_LIBRARIES,
  createDatabase: async () => (await sharedPostgres()).createDatabase(),
  storeAt: (url) => postgres(url),
  chunksTable: 'spillway.chunks',
  async observe(url) {
    const client = new pg.Client(url)
    await client.connect()
    return {
      query: async (sql) => (await client.query(sql)).rows as Record<string, unknown>[],
      waiting: async () => (await client.query(PROCESSES_WAITING)).rows.length,
      close: () => client.end(),
    }
  },
}

export const MARIADB: Engine = {
  name: 'MariaDB',
  server: 'mariadb',
  libraries: MYSQL_LIBRARIES,
  createDatabase: async () => (await sharedMariaDb()).createDatabase(),
  storeAt: (url) => mysql(url),
  chunksTable: 'spillway_chunks',
  async observe(url) {
    const connection = await mysqlDriver.createConnection(url)
    return {
      query: async (sql) => (await connection.query(sql))[0] as Record<string, unknown>[],
      waiting: async () => (await waitingThreads(connection)).length,
      close: () => connection.end(),
    }
  },
}

export async function prepareDatabase(
  engine: Engine,
): Promise<{ database: TestDatabase; observer: Observer }> {
  const database = await engine.createDatabase()
  const observer = await engine.observe(database.url)
  await observer.query(ORDERS_TABLE)
  return { database, observer }
}
