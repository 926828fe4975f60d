// Savepoints on the settlement's transaction. They also notice when that transaction is gone: a full or failing disk makes
// SQLite roll back by itself, and a handler may commit by mistake. Without this, later statements would commit one by one.

import { SpillwayError } from '../../errors/index.js'
import type { SqliteStatement, SqliteTx } from './client.js'
import { classifySqliteError, faulty, resultCode, storeError } from './errors.js'

export interface Savepoints {
  /** Runs `work`; a throw undoes what it did, and only that. */
  around<T>(work: () => T | Promise<T>): T
  /** Runs `work` if the transaction is still there. */
  inside<T>(work: () => T): T
}

/** Savepoints inside each other; a bisection of 1,000 commands needs ten. */
const DEPTH_MAX = 64

interface Level {
  readonly set: SqliteStatement
  readonly release: SqliteStatement
  readonly rollback: SqliteStatement
}

export function newSavepoints(db: SqliteTx, path: string): Savepoints {
  const levels: Level[] = []
  let depth = 0
  /** What made SQLite roll back, for those who ask later. */
  let trouble: unknown

  function levelAt(at: number): Level {
    if (at >= DEPTH_MAX)
      throw new SpillwayError('invalid_argument', `Savepoints may be nested ${DEPTH_MAX} deep.`)
    levels[at] ??= {
      set: db.prepare(`savepoint spillway_${at}`),
      release: db.prepare(`release spillway_${at}`),
      rollback: db.prepare(`rollback to spillway_${at}`),
    }
    return levels[at]
  }

  function lost(error: unknown): unknown {
    if (classifySqliteError(error) === 'transient') trouble ??= error
    if (trouble !== undefined) return faulty(storeError(trouble, path), 'transient')
    return endedByHandler(error)
  }

  function inside<T>(work: () => T): T {
    if (!db.isTransaction) throw lost(undefined)
    try {
      return work()
    } catch (error) {
      throw db.isTransaction ? error : lost(error)
    }
  }

  /** False when the savepoint does not exist any more, because the transaction it was set in does not. */
  function end(level: Level, keep: boolean): boolean {
    try {
      if (!keep) level.rollback.run()
      level.release.run()
      return true
    } catch {
      return false
    }
  }

  function around<T>(work: () => T | Promise<T>): T {
    if (depth === 0) trouble = undefined
    if (!db.isTransaction) throw lost(undefined)
    const level = levelAt(depth)
    level.set.run()
    depth += 1
    let value: T
    try {
      value = mustBeSync(work())
    } catch (error) {
      depth -= 1
      if (end(level, false)) throw withFault(error)
      throw lost(error)
    }
    depth -= 1
    if (!end(level, true)) throw lost(undefined)
    return value
  }

  return { around, inside }
}

function mustBeSync<T>(value: T | Promise<T>): T {
  if (typeof value !== 'object' || value === null || !('then' in value)) return value as T
  // Whatever it comes to, the transaction is undone; its rejection must not surface as an unhandled one.
  Promise.resolve(value).catch(() => {})
  throw new SpillwayError(
    'sync_handler_required',
    'Make the handler synchronous: SQLite has one writer, so a transaction that waits for a promise would lock out the commits of ' +
      "this very process. Use ctx.tx synchronously, or settlement: 'batched'.",
  )
}

/** Lets whoever runs the handler see how to treat an error of SQLite that the handler let through. */
function withFault(error: unknown): unknown {
  if (resultCode(error) === null) return error
  const fault = classifySqliteError(error)
  return fault === 'permanent' ? error : faulty(error, fault)
}

function endedByHandler(cause: unknown): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    'The transaction ended before the handler did. Leave COMMIT and ROLLBACK on ctx.tx to the settlement; use savepoints to undo a part.',
    { cause },
  )
}
