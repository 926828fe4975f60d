// Everything an open store holds, and the way of a call to the database: a connection, a transaction, a deadlock tried again, an
// error in Spillway's words. The parts of the store are given statements of SQL text to send; values get into the text by
// sql-text.ts, and the time by `now()`.

import type { Random } from '../../ports/index.js'
import type { Connection, OpenConnection } from './connection.js'
import type { RunResult } from './enlist/index.js'
import { isDeadlock, storeError } from './errors.js'
import { newPlaces } from './places.js'
import { newPool, type PoolSettings } from './pool.js'

/** A transaction that begins with the first thing that is sent. */
export interface Transaction extends Connection {
  /** The last statements and the commit, in one round trip. Without it the transaction commits after its work. */
  finish(statements: readonly string[]): Promise<RunResult[]>
}

export interface Session {
  /** SQL of the store's time, in ms since the epoch: the database's clock, or what a test says. Constant within a statement. */
  now(): string
  /**
   * One READ COMMITTED transaction. A throw rolls back. When the server undoes it in favour of another, `work` runs again, a
   * bounded number of times: it must not keep anything from the time before.
   */
  transaction<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /**
   * The same where rows of the application's may keep it waiting: no more than half of the connections do that at once, so that the store can
   * go on with the others.
   */
  transactionOnRows<T>(work: (transaction: Transaction) => Promise<T>): Promise<T>
  /** Reads in one consistent snapshot. */
  snapshot<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** Statements that commit one by one. */
  send(statements: readonly string[]): Promise<RunResult[]>
  /** A connection for several calls outside a transaction: for locks by name, and changes of the schema. */
  withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T>
  /** A connection that handlers may see: in a transaction at all times, undone unless it commits. */
  withHandlersConnection<T>(work: (connection: OpenConnection) => Promise<T>): Promise<T>
  /** Of the database, for messages. */
  readonly place: string
  close(): Promise<void>
}

export interface SessionSettings extends Omit<PoolSettings, 'purpose'> {
  readonly clock: { now(): number } | null
  readonly random: Random
}

/** How often a transaction is begun before a deadlock is reported. */
const ATTEMPTS_MAX = 8
const PAUSE_MS_MIN = 2
const PAUSE_MS_MAX = 200

const DATABASE_CLOCK = "(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)"

export function nowSql(clock: SessionSettings['clock']): string {
  return clock === null ? DATABASE_CLOCK : String(Math.trunc(clock.now()))
}

export function openSession(settings: SessionSettings): Session {
  const { wait, random, clock, place, poolSize } = settings
  const places = newPlaces({ ...settings, poolSize: Math.ceil(poolSize / 2) })
  const pool = newPool({ ...settings, purpose: 'work' })
  const handlers = newPool({ ...settings, purpose: 'handlers' })

  async function inOurWords<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw storeError(error, place)
    }
  }

  async function untilNoDeadlock<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await work()
      } catch (error) {
        if (!isDeadlock(error) || attempt >= ATTEMPTS_MAX) throw error
        await wait.sleep(random() * Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** attempt))
      }
    }
  }

  function transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return untilNoDeadlock(() => pool.use((connection) => inTransaction(connection, BEGIN, work)))
  }

  /** The server does not notice that nobody listens before the statement is done, and holds its locks until then. */
  async function end(threadId: number): Promise<void> {
    await pool.use((connection) => connection.send([`kill ${threadId}`])).catch(() => {})
  }

  return {
    place,
    now: () => nowSql(clock),
    transaction: (work) => inOurWords(() => transact(work)),
    transactionOnRows: (work) => inOurWords(() => places.use(() => transact(work))),
    snapshot: (work) =>
      inOurWords(() => pool.use((connection) => inTransaction(connection, BEGIN_SNAPSHOT, work))),
    send: (statements) => inOurWords(() => pool.use((connection) => connection.send(statements))),
    withConnection: (work) => inOurWords(() => pool.use(work)),
    withHandlersConnection: (work) =>
      inOurWords(() =>
        handlers.use(async (connection) => {
          await connection.restore()
          try {
            return await work(connection)
          } catch (error) {
            if (!(await connection.rollBack())) void end(connection.driver.threadId)
            throw error
          }
        }),
      ),
    async close() {
      await Promise.all([places.close(), pool.close(), handlers.close()])
    },
  }
}

const BEGIN = ['start transaction']
const BEGIN_SNAPSHOT = [
  'set transaction isolation level repeatable read',
  'start transaction with consistent snapshot, read only',
]

async function inTransaction<T>(
  connection: OpenConnection,
  begin: readonly string[],
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  let begun = false
  let over = false

  async function send(statements: readonly string[]): Promise<RunResult[]> {
    if (begun) return connection.send(statements)
    begun = true
    const results = await connection.send([...begin, ...statements])
    return results.slice(begin.length)
  }

  const transaction: Transaction = {
    send,
    async finish(statements) {
      const results = await send([...statements, 'commit'])
      over = true
      return results.slice(0, -1)
    },
  }
  try {
    const value = await work(transaction)
    if (begun && !over) await connection.send(['commit'])
    over = true
    return value
  } finally {
    if (begun && !over) await connection.rollBack()
  }
}
