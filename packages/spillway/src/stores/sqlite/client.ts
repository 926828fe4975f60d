// The `node:sqlite` API from wherever it is good enough: built into the runtime, or its npm twin with a SQLite of its own.
// Everything else in this folder knows only the interfaces here.

import { SpillwayError } from '../../errors/index.js'

export type SqliteValue = string | number | bigint | null | Uint8Array

export interface SqliteChanges {
  readonly changes: number | bigint
  readonly lastInsertRowid: number | bigint
}

export interface SqliteStatement {
  run(...values: SqliteValue[]): SqliteChanges
  get(...values: SqliteValue[]): unknown
  all(...values: SqliteValue[]): unknown[]
}

/** What a handler gets as `ctx.tx`: the open connection, inside the settlement's transaction. It must not end that transaction. */
export interface SqliteTx {
  prepare(sql: string): SqliteStatement
  exec(sql: string): void
  readonly isTransaction: boolean
}

export interface SqliteDatabase extends SqliteTx {
  close(): void
}

export interface SqliteClient {
  readonly DatabaseSync: new (
    path: string,
    options?: { readonly readOnly?: boolean; readonly timeout?: number },
  ) => SqliteDatabase
}

/** Before it, a reset of the write-ahead log could race with a checkpoint of another connection and corrupt the file. */
const SQLITE_VERSION_MIN = '3.51.3'
/** Node releases whose built-in SQLite module is used. */
const NODE_MAJOR_MIN = 24

/**
 * The SQLite that the store itself uses. Open the application's own tables with it too: two copies of SQLite in one process
 * that open the same file undo each other's locks.
 */
export async function loadSqlite(
  versions: Readonly<Record<string, string | undefined>> = process.versions,
): Promise<SqliteClient> {
  const builtIn =
    Number.parseInt(versions.node ?? '0', 10) >= NODE_MAJOR_MIN && isSafe(versions.sqlite ?? '0')
  const client: unknown = builtIn
    ? process.getBuiltinModule('node:sqlite')
    : await import('@photostructure/sqlite')
  return client as SqliteClient
}

export function versionOf(db: SqliteDatabase): string {
  const { version } = db.prepare('select sqlite_version() as version').get() as { version: string }
  return version
}

export function assertVersion(version: string): void {
  if (isSafe(version)) return
  throw new SpillwayError(
    'store_incompatible',
    `SQLite ${version} can corrupt a database in WAL mode (the WAL-reset bug, fixed in ${SQLITE_VERSION_MIN}). ` +
      `Update Node, or install @photostructure/sqlite 1.2.1 or later, which brings a newer SQLite.`,
    { details: { version, required: SQLITE_VERSION_MIN } },
  )
}

function isSafe(version: string): boolean {
  const found = version.split('.').map(Number)
  const required = SQLITE_VERSION_MIN.split('.').map(Number)
  for (const [place, least] of required.entries()) {
    const part = found[place] ?? 0
    if (part !== least) return part > least
  }
  return true
}
