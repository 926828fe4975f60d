// One connection to the server and the settings of its session. `send` is how the store talks: several statements in one round
// trip. Connections that handlers get to see refuse several statements at once, so that a hole in a handler's SQL stays as small
// as it would be anywhere; there `send` sends them one by one.

import {
  type ConnectionOptions,
  createConnection,
  type Connection as Driver,
  format,
  type ResultSetHeader,
} from 'mysql2'
import type { Cancel } from '../../ports/index.js'
import type { RunResult } from './enlist/index.js'
import { deadlineError, endsConnection } from './errors.js'
import { STATEMENT_BYTES_MAX } from './sql-text.js'
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
}

export interface ConnectionSettings {
  /** Where to, and as whom. */
  readonly target: ConnectionOptions
  /** `work`: several statements at once. `handlers`: one at a time, never outside a transaction. */
  readonly purpose: 'work' | 'handlers'
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
  readonly wait: Wait
  /** Of the database, for messages. */
  readonly place: string
}

/** How long a statement may wait for a row lock, and for a change of a table; both below the deadline of a call. */
const LOCK_WAIT_S = 10

/**
 * Strict, so that no value is cut or bent to fit; without the modes that change how SQL is read. Times are UTC. READ COMMITTED: a
 * statement sees what is committed now and locks no gaps.
 */
const SESSION = [
  "set session sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', " +
    `innodb_lock_wait_timeout = ${LOCK_WAIT_S}, lock_wait_timeout = ${LOCK_WAIT_S}`,
  'set session transaction isolation level read committed',
]
/** What a handler leaves uncommitted, or does after it ended the transaction, is undone. */
const HANDLERS_SESSION = [...SESSION, 'set session autocommit = 0']

const WORK_OPTIONS = {
  multipleStatements: true,
  decimalNumbers: true,
  // With FOUND_ROWS, `affected` would count rows that were found but not changed.
  flags: ['-FOUND_ROWS'],
  // The driver would look for placeholders in every statement, however long and even if there are no values.
  queryFormat: (sql: string, values: unknown): string =>
    Array.isArray(values) && values.length > 0 ? format(sql, values) : sql,
}

export async function connect(settings: ConnectionSettings): Promise<OpenConnection> {
  const { target, purpose, connectTimeoutMs } = settings
  const driver = createConnection({
    ...target,
    charset: 'utf8mb4',
    timezone: 'Z',
    connectTimeout: connectTimeoutMs,
    enableKeepAlive: true,
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

/** Resolves when the server has let the connection in. */
function greeting(driver: Driver): Promise<void> {
  return new Promise((resolve, reject) => {
    driver.connect((error) => (error === null ? resolve() : reject(error)))
  })
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

  async function sendTogether(statements: readonly string[]): Promise<RunResult[]> {
    const results: RunResult[] = []
    for (const packet of packets(statements)) {
      const result = await query(packet.join(SEPARATOR))
      results.push(...(packet.length === 1 ? [result] : (result as unknown[])).map(resultOf))
    }
    return results
  }

  async function sendSingly(statements: readonly string[]): Promise<RunResult[]> {
    const results: RunResult[] = []
    for (const statement of statements) results.push(resultOf(await query(statement)))
    return results
  }

  const send = purpose === 'work' ? sendTogether : sendSingly
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
      await send(purpose === 'work' ? SESSION : HANDLERS_SESSION)
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
  }
}

/** Between the statements of a packet. */
const SEPARATOR = ';\n'
/** Statements shorter than this are not measured: their bytes are at most three times their characters. */
const SHORT_LENGTH = 64 * 1024

/** Statements that fit into one packet each time. */
export function packets(statements: readonly string[]): string[][] {
  const found: string[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const statement of statements) {
    const more = bytesOf(statement) + SEPARATOR.length
    if (bytes + more > STATEMENT_BYTES_MAX) {
      found.push([])
      bytes = 0
    }
    found.at(-1)?.push(statement)
    bytes += more
  }
  return found
}

function bytesOf(statement: string): number {
  return statement.length < SHORT_LENGTH ? statement.length * 3 : Buffer.byteLength(statement)
}

function resultOf(result: unknown): RunResult {
  if (Array.isArray(result)) return { rows: result as Record<string, unknown>[], affected: result.length }
  return { rows: [], affected: (result as ResultSetHeader).affectedRows }
}
