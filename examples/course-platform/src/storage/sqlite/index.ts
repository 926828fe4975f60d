import { sqlite } from 'spillway/sqlite'
import type { Storage } from '../storage.js'
import { openDatabase } from './database.js'
import { sqliteTables } from './tables.js'

export function openSqliteStorage(path: string): Storage {
  const database = openDatabase(path)
  return {
    store: sqlite(path),
    tables: sqliteTables(database),
    close: async () => database.close(),
  }
}
