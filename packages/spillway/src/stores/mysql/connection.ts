// One connection to the server and the settings of its session. `send` is how the store talks: several statements in one round
// trip. Connections that handlers get to see refuse several statements at once, so that a hole in a handler's SQL stays as small
// as it would be anywhere; there `send` sends them one by one.

import type { ConnectionOptions, Connection as Driver, ResultSetHeader } from 'mysql2'
import { SpillwayError } from '../../errors/index.js'
import type { Cancel } from '../../ports/index.js'
import type { RunResult } from './enlist/index.js'
import { deadlineError, endsConnection } from './errors.js'
import { packets, SEPARATOR } from './packets.js'
import type { Wait } from './wait.js'

export interface Connection {
  /** Runs the statements in order, in as few round trips as their size allows, and stops at the first that fails. */
  send(statements: readonly string[]): Promise<RunResult[]>
}

export interface OpenConnection extends Connection {
  readonly driver: Driver
  /** False once nothing more can be sent: the server is gone, or a call did not come back. */
  readonly usable: boolean
  /** A handler has it in its hands: what it sets for the session must not reach the next one. */
  lend(): void
  /** Sets the session again if it was lent since it was last set. */
  restore(): Promise<void>
  end(): Promise<void>
  destroy(): void
  /** Undoes the transaction. False when that took too long, and the connection was given up: something else still runs on it. */
  rollBack(): Promise<boolean>
}

export interface ConnectionSettings {
  /** Where to, and as whom. */
  readonly target: ConnectionOptions
  /** `work`: several statements at once. `handlers`: one at a time, never outside a transaction. */
  readonly purpose: 'work' | 'handlers'
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
  /** After how long without a statement the server ends a handler's transaction. */
  readonly idleTransactionMs: number
  readonly wait: Wait
  /** Of the database, for messages. */
  readonly place: string
}

/** How long a statement may wait for a row lock, and for a change of a table; both below the deadline of a call. */
export const LOCK_WAIT_S = 10
/**
 * How long a transaction of the store's own may be idle: its process was paused in the middle of it, or its network is gone. Below what others
 * wait for its locks. Only MariaDB has such a limit.
 */
const IDLE_S = 5

/**
 * Strict, so that no value is cut or bent to fit; without the modes that change how SQL is read. Times are UTC. READ COMMITTED: a
 * statement sees what is committed now and locks no gaps.
 */
const SESSION = [
  "set session sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', " +
    `innodb_lock_wait_timeout = ${LOCK_WAIT_S}, lock_wait_timeout = ${LOCK_WAIT_S} /*M!100300 , idle_transaction_timeout = ${IDLE_S} */`,
  'set session transaction isolation level read committed',
]
/**
 * What a handler leaves uncommitted, or does after it ended the transaction, is undone. MariaDB measures how long a transaction is idle,
 * MySQL only how long a connection is; each reads the other's setting as a comment.
 */
function handlersSession(idleTransactionMs: number): string[] {
  const idleS = Math.ceil(idleTransactionMs / 1_000)
  return [
    ...SESSION,
    `set session autocommit = 0 /*M!100300 , idle_transaction_timeout = ${idleS} */ /*!80000 , wait_timeout = ${idleS} */`,
  ]
}

/** How long undoing a transaction may take. */
const ROLLBACK_MS = 2_000

type Mysql2 = typeof import('mysql2')

const WORK_OPTIONS = {
  multipleStatements: true,
  decimalNumbers: true,
  // With FOUND_ROWS, `affected` would count rows that were found but not changed.
  flags: ['-FOUND_ROWS'],
}

/** The driver would look for placeholders in every statement, however long, even if there are no values. */
const queryFormat =
  ({ format }: Mysql2) =>
  (sql: string, values: unknown): string =>
    Array.isArray(values) && values.length === 0 ? sql : format(sql, values as string[], false, TIME_ZONE)

/** How dates are sent and read. */
const TIME_ZONE = 'Z'

export async function connect(settings: ConnectionSettings): Promise<OpenConnection> {
  const { target, purpose, connectTimeoutMs } = settings
  const mysql2 = await loadDriver()
  const driver = mysql2.createConnection({
    ...target,
    charset: 'utf8mb4',
    timezone: TIME_ZONE,
    connectTimeout: connectTimeoutMs,
    enableKeepAlive: true,
    queryFormat: queryFormat(mysql2),
    ...(purpose === 'work' && WORK_OPTIONS),
  })
  const connection = connectionOf(driver, settings)
  try {
    await greeting(driver)
    await connection.restore()
    return connection
  } catch (error) {
    connection.destroy()
    throw error
  }
}

async function loadDriver(): Promise<Mysql2> {
  try {
    return await import('mysql2')
  } catch (cause) {
    throw new SpillwayError('unsupported', 'The MySQL store needs the driver: run `npm install mysql2`.', {
      cause,
    })
  }
}

/** Resolves when the server has let the connection in. */
function greeting(driver: Driver): Promise<void> {
  return new Promise((resolve, reject) => {
    driver.connect((error) => (error === null ? resolve() : reject(withTlsCode(error, driver))))
  })
}

/** The driver writes a code of its own over what is wrong with a certificate. Its socket still has that one. */
function withTlsCode(
  error: Error & { readonly code?: string },
  { stream }: Driver & { readonly stream?: unknown },
): Error {
  if (error.code !== 'HANDSHAKE_SSL_ERROR' || typeof stream !== 'object' || stream === null) return error
  const code = 'authorizationError' in stream ? stream.authorizationError : null
  return typeof code === 'string' ? Object.assign(error, { code }) : error
}

function connectionOf(driver: Driver, settings: ConnectionSettings): OpenConnection {
  const { purpose, queryTimeoutMs, wait, place } = settings
  let usable = true
  let isSet = false
  // The server went away while nobody was asking.
  driver.on('error', () => {
    usable = false
  })

  function destroy(): void {
    usable = false
    driver.destroy()
  }

  async function query(sql: string): Promise<unknown> {
    let cancel: Cancel = () => {}
    try {
      return await new Promise((resolve, reject) => {
        // A connection that waits for an answer that may never come can do nothing else.
        cancel = wait.schedule(queryTimeoutMs, () => {
          destroy()
          reject(deadlineError(place, queryTimeoutMs))
        })
        // By callbacks: the driver's own promises cost a stack trace per call.
        driver.query(sql, (error, result) => (error === null ? resolve(result) : reject(error)))
      })
    } catch (error) {
      if (endsConnection(error)) destroy()
      throw error
    } finally {
      cancel()
    }
  }

  const send = purpose === 'work' ? together(query) : singly(query)

  function rollBack(): Promise<boolean> {
    if (!usable) return Promise.resolve(true)
    return new Promise((resolve) => {
      const cancel = wait.schedule(ROLLBACK_MS, () => {
        destroy()
        resolve(false)
      })
      // A connection that cannot even do this is of no further use; the server undoes what was open on it.
      void send(['rollback'])
        .catch(destroy)
        .finally(() => {
          cancel()
          resolve(true)
        })
    })
  }

  return {
    driver,
    get usable() {
      return usable
    },
    send,
    lend() {
      isSet = false
    },
    async restore() {
      if (isSet) return
      await send(purpose === 'work' ? SESSION : handlersSession(settings.idleTransactionMs))
      isSet = true
    },
    end() {
      usable = false
      return new Promise((resolve) => {
        driver.end((error) => {
          if (error !== undefined && error !== null) driver.destroy()
          resolve()
        })
      })
    },
    destroy,
    rollBack,
  }
}

type Query = (sql: string) => Promise<unknown>

function together(query: Query): Connection['send'] {
  return async (statements) => {
    const results: RunResult[] = []
    for (const packet of packets(statements)) {
      const result = await query(packet.join(SEPARATOR))
      results.push(...(packet.length === 1 ? [result] : (result as unknown[])).map(resultOf))
    }
    return results
  }
}

function singly(query: Query): Connection['send'] {
  return async (statements) => {
    const results: RunResult[] = []
    for (const statement of statements) results.push(resultOf(await query(statement)))
    return results
  }
}

function resultOf(result: unknown): RunResult {
  if (Array.isArray(result)) return { rows: result as Record<string, unknown>[], affected: result.length }
  return { rows: [], affected: (result as ResultSetHeader).affectedRows }
}
