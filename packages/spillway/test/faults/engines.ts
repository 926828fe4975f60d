// The server databases whose faults are tested, and what differs between them. Every test of this folder runs on each.

import type { MariaDbServer, PostgresServer } from 'spillway-test-bed'
import { openSession, startMariaDb, startPostgres } from 'spillway-test-bed'
import type { Clock, Store } from '../../src/ports/index.js'
import { mysql } from '../../src/stores/mysql/index.js'
import { postgres } from '../../src/stores/postgres/index.js'

export interface StoreLimits {
  /** Where the store's time comes from; default the database. */
  readonly clock?: Clock
  /** Connections for calls, and as many for handlers' transactions. */
  readonly connections?: number
  readonly queryTimeoutMs?: number
  /** How long a call waits for a connection, free or new. */
  readonly acquireTimeoutMs?: number
}

export interface StartOptions {
  /** Whether commits reach the disk. Default false: what was committed survives a kill all the same. */
  readonly fsync?: boolean
  readonly settings?: Readonly<Record<string, string>>
  readonly smallDiskBytes?: number
}

// biome-ignore lint/suspicious/noExplicitAny: the transaction is each engine's own
export type ServerStore = Store<any>

/** The driver's own connection, as far as the tests need it. */
export interface HandlerTx {
  query(sql: string): Promise<unknown>
}

export interface FaultEngine {
  readonly kind: 'postgres' | 'mariadb'
  start(options?: StartOptions): Promise<PostgresServer | MariaDbServer>
  makeStore(url: string, limits?: StoreLimits): ServerStore
  readonly connectionsMaxSetting: string
  /** Of how many `sessions` the server knows, whoever's. */
  readonly sessionsQuery: string
  /** Lets everybody only read, or write again; new connections obey. */
  setReadOnly(serverUrl: string, isReadOnly: boolean, database: string): Promise<void>
  /** Takes a statement into the transaction that makes the server give the whole transaction up, and hides the error. */
  loseTransaction(tx: HandlerTx): Promise<void>
}

export const ENGINES: readonly FaultEngine[] = [
  {
    kind: 'postgres',
    start: (options) => startPostgres({ fsync: false, ...options }),
    makeStore: (url, { clock, connections, queryTimeoutMs, acquireTimeoutMs } = {}) =>
      postgres(url, {
        // One connection that nobody asked for would be counted, and cut, with the others.
        listen: false,
        ...(clock && { clock }),
        ...(connections && { connectionsMax: connections, transactionsMax: connections }),
        ...(queryTimeoutMs && { queryTimeoutMs }),
        ...(acquireTimeoutMs && { connectTimeoutMs: acquireTimeoutMs }),
      }),
    connectionsMaxSetting: 'max_connections',
    sessionsQuery: "select count(*) as sessions from pg_stat_activity where backend_type = 'client backend'",
    async setReadOnly(serverUrl, isReadOnly, database) {
      await using admin = await openSession(serverUrl)
      await admin.query(
        `alter database ${database} set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`,
      )
    },
    loseTransaction: async (tx) => {
      await tx.query('select 1 / 0').catch(() => undefined)
    },
  },
  {
    kind: 'mariadb',
    start: (options) => startMariaDb({ fsync: false, ...options }),
    makeStore: (url, { clock, connections, queryTimeoutMs, acquireTimeoutMs } = {}) =>
      mysql(url, {
        ...(clock && { clock }),
        ...(connections && { poolSize: connections }),
        ...(queryTimeoutMs && { queryTimeout: queryTimeoutMs }),
        ...(acquireTimeoutMs && { acquireTimeout: acquireTimeoutMs, connectTimeout: acquireTimeoutMs }),
      }),
    connectionsMaxSetting: 'max-connections',
    sessionsQuery:
      "select variable_value as sessions from information_schema.global_status where variable_name = 'THREADS_CONNECTED'",
    async setReadOnly(serverUrl, isReadOnly) {
      await using admin = await openSession(serverUrl)
      await admin.query(`set global tx_read_only = ${isReadOnly ? 1 : 0}`)
    },
    loseTransaction: async (tx) => {
      await tx.query('rollback')
    },
  },
]
