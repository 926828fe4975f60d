// The store's connections. Its own short calls and handlers' transactions have a pool each, so that slow handlers cannot keep
// appends and heartbeats waiting; a pool of the application's serves both. A connection that failed, or that is not where a
// call has to leave it, is closed instead of going back.

import type { Client, Pool, PoolClient, PoolConfig } from 'pg'
import { SpillwayError } from '../../errors/index.js'
import { connectError, isConnectionLost, storeError } from './errors.js'
import { OUT_OF_TRANSACTION, transactionStatus } from './handler-client.js'
import type { PostgresSettings } from './options.js'

export type Purpose = 'calls' | 'transactions'

export interface Connections {
  /** Host and database, for messages. */
  readonly where: string
  /** Runs the work on a connection that nobody else uses meanwhile. Rejects with what the work or the driver threw. */
  lend<T>(purpose: Purpose, work: (client: PoolClient) => Promise<T>): Promise<T>
  /** The same on a connection of its own that is no pool's, without a deadline for its statements. */
  alone<T>(work: (client: Client) => Promise<T>): Promise<T>
  /** A connection that stays until `client.end()`. */
  connect(): Promise<Client>
  /** What a call rejects with. */
  errorOf(error: unknown): unknown
  close(): Promise<void>
}

type Driver = Pick<typeof import('pg'), 'Client' | 'Pool'>

/** Time before the first keepalive probe on an idle connection. */
const KEEPALIVE_DELAY_MS = 10_000

/** Thrown before anything was sent: nothing can have been committed. */
class Unsent extends Error {
  constructor(cause: unknown) {
    super('no connection', { cause })
  }
}

export function newConnections(settings: PostgresSettings): Connections {
  const pools = new Map<Purpose, Pool>()
  const where = whereOf(settings)

  async function poolFor(purpose: Purpose): Promise<Pool> {
    if (settings.pool !== null) return settings.pool
    const open = pools.get(purpose)
    if (open !== undefined) return open
    const { Pool } = await loadDriver()
    // Another call may have opened it meanwhile.
    const known = pools.get(purpose)
    if (known !== undefined) return known
    const max = purpose === 'calls' ? settings.connectionsMax : settings.transactionsMax
    const pool = new Pool({ ...configOf(settings), max })
    // A connection that dies while it is idle is only taken out of the pool.
    pool.on('error', ignore)
    pools.set(purpose, pool)
    return pool
  }

  async function acquire(purpose: Purpose): Promise<PoolClient> {
    try {
      return await borrow(await poolFor(purpose))
    } catch (error) {
      throw new Unsent(error)
    }
  }

  async function connect(): Promise<Client> {
    const { Client } = await loadDriver()
    let client: Client | null = null
    try {
      client = new Client(settings.pool === null ? configOf(settings) : settings.pool.options)
      client.on('error', ignore)
      await client.connect()
      return client
    } catch (error) {
      await client?.end().catch(ignore)
      throw new Unsent(error)
    }
  }

  return {
    where,
    connect,
    async lend(purpose, work) {
      const client = await acquire(purpose)
      let broken = false
      try {
        return await work(client)
      } catch (error) {
        broken = isConnectionLost(error)
        throw error
      } finally {
        client.removeListener('error', ignore)
        client.release(broken || isBusy(client))
      }
    },
    async alone(work) {
      const client = await connect()
      try {
        return await work(client)
      } finally {
        await client.end().catch(ignore)
      }
    },
    errorOf: (error) =>
      error instanceof Unsent ? connectError(error.cause, where) : storeError(error, { where, sent: true }),
    async close() {
      const closing = [...pools.values()]
      pools.clear()
      await Promise.all(closing.map((pool) => pool.end()))
    },
  }
}

/**
 * A connection that dies while it is lent rejects its query; without a listener it would end the process besides. It has one before the
 * driver reads on: what it reads next may be that the server has died.
 */
function borrow(pool: Pool): Promise<PoolClient> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      client?.on('error', ignore)
      if (client === undefined) reject(error)
      else resolve(client)
    })
  })
}

async function loadDriver(): Promise<Driver> {
  try {
    const driver = await import('pg')
    return driver.default
  } catch (cause) {
    throw new SpillwayError('unsupported', 'The PostgreSQL store needs the driver: run `npm install pg`.', {
      cause,
    })
  }
}

function configOf({ url, connection, connectTimeoutMs }: PostgresSettings): PoolConfig {
  return {
    application_name: 'spillway',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
    connectionTimeoutMillis: connectTimeoutMs,
    ...connection,
    ...(url === null ? {} : { connectionString: url }),
  }
}

/** Whether the connection is still inside a transaction or a statement, which nobody else may inherit. */
function isBusy(client: PoolClient): boolean {
  const status = transactionStatus(client)
  return status !== undefined && status !== null && status !== OUT_OF_TRANSACTION
}

/** Host, port and database, never the user or the password. */
function whereOf({ url, pool }: PostgresSettings): string {
  if (url === null) {
    const { host = 'the pool', port = 5432, database = '' } = pool?.options ?? {}
    return `${host}:${port}/${database}`
  }
  try {
    const { host, pathname } = new URL(url)
    return `${host}${pathname}`
  } catch {
    return 'the given url'
  }
}

function ignore(): void {}
