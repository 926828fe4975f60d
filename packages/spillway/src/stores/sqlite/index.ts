export {
  loadSqlite,
  type SqliteClient,
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteTx,
  type SqliteValue,
} from './client.js'
export { classifySqliteError } from './errors.js'
export { type SqliteOptions, type SqliteStore, sqlite } from './sqlite-store.js'
