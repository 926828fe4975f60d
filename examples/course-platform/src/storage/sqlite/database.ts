// The platform's own connection, through the SQLite that Spillway uses: two copies of SQLite in one process that open the
// same file undo each other's locks.

import { loadSqlite, type SqliteDatabase } from 'spillway/sqlite'

const { DatabaseSync } = await loadSqlite()

/** Waiting for a writer in another process. */
const BUSY_TIMEOUT_MS = 5_000

export function openDatabase(file: string): SqliteDatabase {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS })
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA cache_size = -16384;
  `)
  return database
}
