// One connection to the database file: its settings, its transactions, and the database's clock.

import { SpillwayError } from '../../errors/index.js'
import type { Clock } from '../../ports/index.js'
import { assertVersion, type SqliteClient, type SqliteDatabase, versionOf } from './client.js'
import { lockedIfBusy } from './errors.js'

export type Synchronous = 'full' | 'normal'

export interface Connection {
  readonly db: SqliteDatabase
  /** ms since the epoch by the store's clock. */
  now(): number
  /** One transaction that holds the write lock from its start. Throws `Locked` when the lock is taken; a throw rolls back. */
  write<T>(work: () => T): T
  /** One consistent snapshot. */
  read<T>(work: () => T): T
  close(): void
}

export interface ConnectionOptions {
  readonly path: string
  readonly synchronous: Synchronous
  readonly readOnly: boolean
  /** Default: the database's own clock. */
  readonly clock: Pick<Clock, 'now'> | null
}

/** How long SQLite may block the event loop for a lock before the wait goes on asynchronously. */
const LOCK_SPIN_MS = 4
/** Pages in the write-ahead log that make a commit copy them into the database: fewer, longer copies cost least. */
const CHECKPOINT_PAGES = 4_000
/** The log is cut back to this after a checkpoint, should a long reader have let it grow. */
const LOG_BYTES_MAX = 64 * 1024 * 1024
const CACHE_KIB = 8 * 1024

export function openConnection(client: SqliteClient, options: ConnectionOptions): Connection {
  const db = new client.DatabaseSync(options.path, { readOnly: options.readOnly, timeout: LOCK_SPIN_MS })
  try {
    assertVersion(versionOf(db))
    requireWal(db, options)
    db.exec(
      `pragma synchronous = ${options.synchronous};
       pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
       pragma journal_size_limit = ${LOG_BYTES_MAX};
       pragma cache_size = -${CACHE_KIB};
       pragma temp_store = memory`,
    )
    return connection(db, options)
  } catch (error) {
    db.close()
    throw lockedIfBusy(error)
  }
}

/** Write-ahead logging stays on once it is: readers and one writer do not wait for each other. */
function requireWal(db: SqliteDatabase, { path }: ConnectionOptions): void {
  const { journal_mode } = db.prepare('pragma journal_mode = wal').get() as { journal_mode: string }
  if (journal_mode === 'wal') return
  throw new SpillwayError(
    'store_incompatible',
    `The database ${path} cannot use write-ahead logging (its journal mode stays '${journal_mode}'). ` +
      'Put it on a local disk: network file systems have no shared memory.',
    { details: { path, journalMode: journal_mode } },
  )
}

function connection(db: SqliteDatabase, { clock, readOnly }: ConnectionOptions): Connection {
  const beginWrite = db.prepare('begin immediate')
  const beginRead = db.prepare('begin deferred')
  const commit = db.prepare('commit')
  const rollback = db.prepare('rollback')
  const clockOfDatabase = db.prepare("select cast(round(unixepoch('subsec') * 1000) as integer) as now")

  function now(): number {
    if (clock !== null) return Math.trunc(clock.now())
    return (clockOfDatabase.get() as { now: number }).now
  }

  function transaction<T>(begin: { run(): unknown }, work: () => T): T {
    if (db.isTransaction) throw leftOpen()
    try {
      begin.run()
    } catch (error) {
      throw lockedIfBusy(error)
    }
    try {
      const value = work()
      commit.run()
      return value
    } catch (error) {
      // A full disk or a failing one has rolled back already.
      if (db.isTransaction) rollback.run()
      throw error
    }
  }

  return {
    db,
    now,
    write: (work) => transaction(beginWrite, work),
    read(work) {
      try {
        return transaction(beginRead, work)
      } catch (error) {
        // A database that is being recovered or closed by another process locks out readers for a moment.
        throw lockedIfBusy(error)
      }
    },
    close() {
      if (!readOnly) emptyLog(db)
      db.close()
    },
  }
}

/**
 * Copies the log into the database file, so that the one file is all there is. SQLite does that when the last connection closes,
 * but the npm driver keeps a connection until its statements are garbage.
 */
function emptyLog(db: SqliteDatabase): void {
  try {
    db.exec('pragma wal_checkpoint(truncate)')
  } catch {
    // Another process is at work, or the disk fails: what is in the log is safe there.
  }
}

function leftOpen(): SpillwayError {
  return new SpillwayError(
    'internal',
    "A transaction is open on the store's own connection: use `ctx.tx` only inside the handler it was given to, and never begin one on it.",
  )
}
