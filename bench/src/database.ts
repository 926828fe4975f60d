// The table's file, opened as Spillway's store opens its own: WAL, synchronous FULL, the same cache and checkpoints.

import { loadSqlite, type SqliteDatabase } from 'spillway/sqlite'
import { TABLE } from './watch-event.js'

const { DatabaseSync } = await loadSqlite()

export function openDatabase(file: string): SqliteDatabase {
  const database = new DatabaseSync(file, { timeout: 5_000 })
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA cache_size = -16384;
    PRAGMA temp_store = memory;
  `)
  return database
}

export function openTable(file: string): SqliteDatabase {
  const database = openDatabase(file)
  database.exec(TABLE)
  return database
}

export function countRows(file: string): number {
  const database = openDatabase(file)
  const row = database.prepare('SELECT count(*) AS rows FROM watch_events').get() as { rows: number }
  database.close()
  return row.rows
}
