// What a store in PostgreSQL can be told, checked when it is made.

import type { Pool, PoolConfig } from 'pg'
import { SpillwayError } from '../../errors/index.js'
import type { Clock } from '../../ports/index.js'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`. Or give `pool`. */
  readonly url?: string
  /**
   * A pool of the application to take connections from; Spillway neither configures nor closes it. Give it room: every handler in a
   * transaction keeps a connection, and listening keeps one more.
   */
  readonly pool?: Pool
  /** Further settings of the driver's own connections: `ssl`, `password` as a function, and so on. Not with `pool`. */
  readonly connection?: Omit<PoolConfig, 'connectionString' | 'max' | 'types' | 'pipeline'>
  /** Schema of all of Spillway's tables. Default 'spillway'. */
  readonly schema?: string
  /** Connections for the store's own short calls. Default 10. */
  readonly connectionsMax?: number
  /** Connections for handlers that run in the settlement's transaction. Default 10. */
  readonly transactionsMax?: number
  /** Hear of new work from other processes by LISTEN, on a connection of its own. Off: they poll. Default true. */
  readonly listen?: boolean
  /** Prepare statements by name. Off for PgBouncer in transaction mode. Default true. */
  readonly prepare?: boolean
  /** After this long without an answer a call rejects and its connection is given up. Default 30,000. */
  readonly queryTimeoutMs?: number
  /** How long a call waits for a connection. Default 10,000. */
  readonly connectTimeoutMs?: number
  /**
   * How long a handler's transaction may be idle before the database ends it, so that a worker that hangs or was paused does not
   * keep its chunks locked for ever. Above the longest wait inside a handler. Default 120,000.
   */
  readonly idleTransactionMs?: number
  /** Where the time comes from. Default: the database's clock. For tests. */
  readonly clock?: Clock
}

export interface PostgresSettings {
  readonly url: string | null
  readonly pool: Pool | null
  readonly connection: PoolConfig
  readonly schema: string
  readonly connectionsMax: number
  readonly transactionsMax: number
  readonly listen: boolean
  readonly prepare: boolean
  readonly queryTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly idleTransactionMs: number
  readonly clock: Clock | null
}

/** Bytes of a name in PostgreSQL; it would cut longer ones. */
const NAME_BYTES_MAX = 63

const SSL_VALUES: ReadonlySet<string> = new Set(['true', '1', '0', 'no-verify'])
const TLS_PARAMETERS: ReadonlySet<string> = new Set(['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'])

export function settingsOf(first: string | PostgresOptions, more: PostgresOptions): PostgresSettings {
  // What is not set in the environment arrives here as undefined.
  const options: PostgresOptions = typeof first === 'string' ? { ...more, url: first } : (first ?? {})
  const { url = null, pool = null, connection = {}, schema = 'spillway', clock = null } = options
  const { listen = true, prepare = true } = options
  if ((url === null) === (pool === null)) throw refused('either a url or a pool, and not both')
  if (url !== null && !/^postgres(ql)?:\/\//.test(url)) throw refused('a url that begins with postgres://')
  if (url !== null && !isReadable(url)) {
    throw refused('a url of the form postgres://user:password@host:5432/database, special characters as %xx')
  }
  if (url !== null) checkTls(new URL(readable(url)).searchParams, connection)
  if (schema === '' || Buffer.byteLength(schema) > NAME_BYTES_MAX || schema.includes('\0')) {
    throw refused(`schema to be a name of 1 to ${NAME_BYTES_MAX} bytes`)
  }
  return {
    ...{ url, pool, connection, schema, listen, prepare, clock },
    connectionsMax: atLeastOne(options.connectionsMax ?? 10, 'connectionsMax'),
    transactionsMax: atLeastOne(options.transactionsMax ?? 10, 'transactionsMax'),
    queryTimeoutMs: atLeastOne(options.queryTimeoutMs ?? 30_000, 'queryTimeoutMs'),
    connectTimeoutMs: atLeastOne(options.connectTimeoutMs ?? 10_000, 'connectTimeoutMs'),
    idleTransactionMs: atLeastOne(options.idleTransactionMs ?? 120_000, 'idleTransactionMs'),
  }
}

/**
 * As the driver reads it, which knows urls without a host. A password with a slash or a hash in it would be taken for the rest of
 * the url, and shown.
 */
function isReadable(url: string): boolean {
  const text = readable(url)
  if (!URL.canParse(text)) return false
  const { pathname, hash } = new URL(text)
  return hash === '' && !pathname.includes('@')
}

function readable(url: string): string {
  return url.replace('@/', '@localhost/')
}

/** The driver would end the process on some values of `ssl`, and take the url's word alone where there are two. */
function checkTls(parameters: URLSearchParams, connection: PoolConfig): void {
  const ssl = parameters.get('ssl')
  if (ssl !== null && !SSL_VALUES.has(ssl)) {
    throw refused('ssl in the url to be true or no-verify; or sslmode=verify-full, sslmode=disable and so on')
  }
  const inUrl = [...parameters.keys()].some((name) => TLS_PARAMETERS.has(name))
  if (inUrl && connection.ssl !== undefined) {
    throw refused('TLS either in the url (sslmode and the like) or in connection: { ssl }, and not both')
  }
}

function atLeastOne(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 1) throw refused(`${name} to be a whole number, at least 1`)
  return value
}

/** Never shows what was given: a url carries a password. */
function refused(expected: string): SpillwayError {
  return new SpillwayError('invalid_argument', `postgres(): expected ${expected}.`)
}
