// The options of the store, checked when it is made: a mistake is reported where it was made, not at the first call.

import type { ConnectionOptions } from 'mysql2'
import type { Clock, Random } from '../../ports/index.js'
import { optionsError } from './errors.js'
import type { Synchronous } from './server.js'
import type { SessionSettings } from './session.js'
import { type Tls, tlsTarget } from './tls.js'
import { machineRandom, machineWait } from './wait.js'

/** What the driver takes that changes nothing about how the store talks to the server. */
export interface MysqlConnection
  extends Pick<ConnectionOptions, 'authPlugins' | 'enableCleartextPlugin' | 'connectAttributes'> {
  /**
   * Encrypted connections: true = the server's certificate is signed by an authority that the system trusts; `{ ca }` = by this one, as the
   * text of its PEM file. Unless `verifyIdentity` is false the certificate must be made out to the host of the URL. Not beside `?ssl=` there.
   */
  readonly ssl?: Tls
}

export interface MysqlOptions {
  /** Connections of this process for the store's own work, and as many again for handlers with transactions. Default 10. */
  readonly poolSize?: number
  /** How long a call waits for a free connection, in ms. Default 10,000. */
  readonly acquireTimeout?: number
  /** How long connecting may take, in ms. Default 10,000. */
  readonly connectTimeout?: number
  /** How long the server may take to answer before its connection is given up, in ms. Default 30,000. */
  readonly queryTimeout?: number
  /**
   * How long a handler's transaction may be idle before the server ends it, in ms, so that a worker that hangs or was paused does not
   * keep its chunks locked for ever. Above the longest wait inside a handler; counted in whole seconds. Default 120,000.
   */
  readonly idleTransaction?: number
  /**
   * `full` (default): a server that does not write each commit to its disk is refused. `normal`: it is accepted, and a crash of
   * the server may take the last second of acknowledged commands.
   */
  readonly synchronous?: Synchronous
  /** Further settings of the driver's connections: `ssl`, `authPlugins` and so on. */
  readonly connection?: MysqlConnection
  /** Where the time comes from. Default: the database's clock, and timers of the machine for waiting. */
  readonly clock?: Clock
  /** Jitter of the pauses before a transaction is tried again. */
  readonly random?: Random
}

export interface StoreSettings extends SessionSettings {
  readonly synchronous: Synchronous
}

const POOL_SIZE = 10
const POOL_SIZE_MAX = 1_000
const ACQUIRE_TIMEOUT_MS = 10_000
const CONNECT_TIMEOUT_MS = 10_000
const QUERY_TIMEOUT_MS = 30_000
const IDLE_TRANSACTION_MS = 120_000
const DURATION_MS_MAX = 3_600_000
const DEFAULT_PORT = '3306'

export function checkOptions(url: string, options: MysqlOptions): StoreSettings {
  const { synchronous = 'full', clock = null, random = machineRandom } = options
  if (synchronous !== 'full' && synchronous !== 'normal')
    throw optionsError("synchronous to be 'full' or 'normal'")
  const { ssl, ...connection } = options.connection ?? {}
  const place = placeOf(url)
  return {
    target: { ...connection, ...tlsTarget(url, ssl) },
    place,
    poolSize: bounded('poolSize', options.poolSize, POOL_SIZE, POOL_SIZE_MAX),
    acquireTimeoutMs: duration('acquireTimeout', options.acquireTimeout, ACQUIRE_TIMEOUT_MS),
    connectTimeoutMs: duration('connectTimeout', options.connectTimeout, CONNECT_TIMEOUT_MS),
    queryTimeoutMs: duration('queryTimeout', options.queryTimeout, QUERY_TIMEOUT_MS),
    idleTransactionMs: duration('idleTransaction', options.idleTransaction, IDLE_TRANSACTION_MS),
    synchronous,
    wait: machineWait,
    clock,
    random,
  }
}

/** `host:port/database`. The URL itself has a password in it and appears nowhere. */
function placeOf(url: string): string {
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : null
  const database = parsed === null ? null : decoded(parsed.pathname.slice(1))
  if (parsed === null || !/^(mysql|mariadb):$/.test(parsed.protocol) || !database || !isDecodable(parsed)) {
    throw optionsError(
      'a URL of the form mysql://user:password@host:3306/database, special characters written as %xx',
    )
  }
  return `${parsed.hostname}:${parsed.port || DEFAULT_PORT}/${database}`
}

/** The driver must be able to decode it. A password with a slash in it would be taken for the database, and shown. */
function isDecodable({ username, password, pathname }: URL): boolean {
  return decoded(username) !== null && decoded(password) !== null && !pathname.includes('@')
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

function duration(name: string, value: number | undefined, fallback: number): number {
  return bounded(name, value, fallback, DURATION_MS_MAX)
}

function bounded(name: string, value: number | undefined, fallback: number, max: number): number {
  if (value === undefined) return fallback
  if (Number.isFinite(value) && value >= 1 && value <= max) return Math.trunc(value)
  throw optionsError(`${name} to be a number from 1 to ${max}`)
}
