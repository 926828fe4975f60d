// Savepoints on the settlement's transaction. They also notice when that transaction is gone: the server undoes a whole transaction
// after a deadlock, and a handler may commit by mistake or change a table. Without this the settlement would commit alone.

import { SpillwayError } from '../../errors/index.js'
import type { OpenConnection } from './connection.js'
import { classifyMysqlError, faulty, isDeadlock, isNoSavepoint, storeError } from './errors.js'
import { usedTooLate } from './handlers-tx.js'

export interface Savepoints {
  /** Runs `work`; a rejection undoes what it did, and only that. */
  around<T>(work: () => T | Promise<T>): Promise<T>
  /** False when a savepoint that is named does not exist any more, because the transaction it was set in does not. */
  send(statements: readonly string[]): Promise<boolean>
  /** What a handler let through, with the way to treat it if it is the database's. */
  explain(error: unknown): unknown
  /** The connection belongs to others from now on: whatever is asked for is refused, even by work that is still under way. */
  close(): void
}

/** Savepoints inside each other; a bisection of 1,000 commands needs ten. */
const DEPTH_MAX = 64

export function newSavepoints(connection: OpenConnection, place: string): Savepoints {
  let depth = 0
  let closed = false

  async function send(statements: readonly string[]): Promise<boolean> {
    if (closed) throw usedTooLate('scope')
    try {
      await connection.send(statements)
      return true
    } catch (error) {
      if (isNoSavepoint(error)) return false
      throw faulty(storeError(error, place), 'transient')
    }
  }

  function explain(error: unknown): unknown {
    if (isDeadlock(error) || !connection.usable) return faulty(storeError(error, place), 'transient')
    if (hasFault(error)) return error
    const fault = classifyMysqlError(error)
    return fault === null || fault === 'permanent' ? error : faulty(error, fault)
  }

  async function undo(name: string, error: unknown): Promise<unknown> {
    if (isDeadlock(error) || !connection.usable) return explain(error)
    const isThere = await send([`rollback to savepoint ${name}`, `release savepoint ${name}`])
    return isThere ? explain(error) : lost(error)
  }

  /** A deadlock that was explained already is the better explanation of a transaction that is gone. */
  function lost(error: unknown): unknown {
    return hasFault(error) && error.fault === 'transient' ? error : transactionEnded(error)
  }

  return {
    send,
    explain,
    close() {
      closed = true
    },
    async around<T>(work: () => T | Promise<T>) {
      if (depth >= DEPTH_MAX) {
        throw new SpillwayError('invalid_argument', `Savepoints may be nested ${DEPTH_MAX} deep.`)
      }
      const name = `spillway_${depth}`
      if (!(await send([`savepoint ${name}`]))) throw transactionEnded(undefined)
      depth += 1
      let value: T
      try {
        value = await work()
      } catch (error) {
        throw await undo(name, error)
      } finally {
        depth -= 1
      }
      if (!(await send([`release savepoint ${name}`]))) throw transactionEnded(undefined)
      return value
    },
  }
}

function hasFault(error: unknown): error is { readonly fault: unknown } {
  return typeof error === 'object' && error !== null && 'fault' in error
}

export function transactionEnded(cause: unknown): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    'The transaction ended before the handler did. Leave COMMIT and ROLLBACK to the settlement, change no tables in a handler, and let a ' +
      'deadlock through when one is reported: the server has undone everything then.',
    { cause },
  )
}
