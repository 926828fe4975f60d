export {
  loadSqlite,
  type SqliteClient,
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteTx,
  type SqliteValue,
} from './client.js'
export { classifySqliteError } from './errors.js'
export type { SqliteOptions } from './options.js'
export { type SqliteStore, sqlite } from './sqlite-store.js'
