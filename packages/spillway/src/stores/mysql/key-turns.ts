// Removing idempotency keys that expired. Deleting them one by one would cost as much as storing them, so they are kept in two
// tables: new keys go into one, and once every key of the other has expired, that one is emptied as a whole and takes its place.
//
// Emptying a table needs it alone for a moment, and so does the change of places; an application's transaction that submits and
// stays open is in the way of both. What is waited for meanwhile holds up every append, so the wait is short, and after a wait
// in vain the next turns are left out.

import type { Connection } from './connection.js'
import { classifyMysqlError, isLockTimeout } from './errors.js'
import { agingTable } from './key-tables.js'
import { select } from './select.js'
import type { Session } from './session.js'
import { integer } from './sql-text.js'

export interface KeyTurns {
  /** Removes keys, if those of the older table have all expired; about so many. */
  turn(limit: number): Promise<number>
}

/** One process at a time; databases are told apart, whatever the length of their names. */
const LOCK_NAME = "concat('spillway.keys.', left(sha2(database(), 256), 32))"
/** How long appends may have to wait for a turn. */
const WAIT_S = 1
/** Turns that are left out after others in vain, at most. */
const LEFT_OUT_MAX = 32

const REMEMBER_WAITS =
  'set @spillway_table_wait = @@session.lock_wait_timeout, @spillway_row_wait = @@session.innodb_lock_wait_timeout'
const SHORTEN_WAITS = `set session lock_wait_timeout = ${WAIT_S}, innodb_lock_wait_timeout = ${WAIT_S}`
const RESTORE_WAITS =
  'set session lock_wait_timeout = @spillway_table_wait, innodb_lock_wait_timeout = @spillway_row_wait'

interface Work {
  readonly generation: number
  /** The table whose keys all expired, and whether it has any. */
  readonly table: string
  readonly hasKeys: boolean
  /** Whether the other table has keys that could begin to age. */
  readonly hasSuccessor: boolean
}

export function newKeyTurns(session: Session): KeyTurns {
  let inVain = 0
  let leaveOut = 0

  async function turnAlone(connection: Connection, limit: number): Promise<number> {
    // Looked at again: another process may have turned the ring until this one had the lock.
    const work = await findWork(connection, session.now())
    if (work === null) return 0
    const removed = work.hasKeys ? await empty(connection, work.table, limit) : 0
    if (work.hasSuccessor && (await isEmpty(connection, work.table))) {
      await changePlaces(connection, work, session.now())
    }
    return removed
  }

  return {
    async turn(limit) {
      if (leaveOut > 0) {
        leaveOut -= 1
        return 0
      }
      if ((await findWork(session, session.now())) === null) return 0
      return session.withConnection(async (connection) => {
        try {
          const removed = await withLock(connection, () => turnAlone(connection, limit))
          inVain = 0
          return removed
        } catch (error) {
          if (!isLockTimeout(error)) throw error
          inVain += 1
          leaveOut = Math.min(LEFT_OUT_MAX, 2 ** inVain)
          return 0
        }
      })
    },
  }
}

/** Null when some keys of the older table are still valid, or there is nothing to do about it. */
async function findWork(db: Pick<Connection, 'send'>, now: string): Promise<Work | null> {
  const [ring] = await select<{ generation: number; window_ms: number; aging: number }>(
    db,
    `select generation, window_ms, aging_until > ${now} as aging from spillway_key_ring where id = 1`,
  )
  if (ring === undefined || ring.aging === 1) return null
  const { generation } = ring
  const table = agingTable({ generation })
  const hasKeys = !(await isEmpty(db, table))
  const hasSuccessor = ring.window_ms > 0
  return hasKeys || hasSuccessor ? { generation, table, hasKeys, hasSuccessor } : null
}

async function isEmpty(db: Pick<Connection, 'send'>, table: string): Promise<boolean> {
  return (await select(db, `select 1 from ${table} limit 1`)).length === 0
}

/** Does nothing when another process has the lock. */
async function withLock(connection: Connection, work: () => Promise<number>): Promise<number> {
  const [answer] = await select<{ locked: number }>(connection, `select get_lock(${LOCK_NAME}, 0) as locked`)
  if (answer?.locked !== 1) return 0
  try {
    await connection.send([REMEMBER_WAITS, SHORTEN_WAITS])
    return await work()
  } finally {
    await connection.send([RESTORE_WAITS, `do release_lock(${LOCK_NAME})`])
  }
}

/** A few keys are deleted, and so are as many as asked for where the table cannot be had alone. */
async function empty(connection: Connection, table: string, limit: number): Promise<number> {
  const deleteSome = async (): Promise<number> => {
    const [deleted] = await connection.send([`delete from ${table} limit ${integer(limit)}`])
    return deleted?.affected ?? 0
  }
  const [beyond] = await select(connection, `select 1 from ${table} limit 1 offset ${integer(limit)}`)
  if (beyond === undefined) return deleteSome()
  try {
    // Counting millions of keys would take longer than removing them: what the server expects to find is near enough.
    const [plan] = await select<{ rows: number }>(connection, `explain select 1 from ${table}`)
    await connection.send([`truncate table ${table}`])
    return Number(plan?.rows ?? limit)
  } catch (error) {
    // Without the privilege to drop tables there is none to empty them either.
    if (isLockTimeout(error) || classifyMysqlError(error) === 'schema') return deleteSome()
    throw error
  }
}

/** Appends that are under way have committed once the row is locked; those that follow see the new generation. */
async function changePlaces(connection: Connection, { generation }: Work, now: string): Promise<void> {
  try {
    await connection.send([
      'start transaction',
      'select generation from spillway_key_ring where id = 1 for update',
      // In a statement of its own: its time is not before the last append's.
      `update spillway_key_ring set generation = generation + 1, aging_until = ${now} + window_ms, window_ms = 0
where id = 1 and generation = ${integer(generation)}`,
      'commit',
    ])
  } catch (error) {
    await connection.send(['rollback'])
    throw error
  }
}
