// The schema's version, and the way to the next one. Opening a store never migrates; migrating is a call of its own, whose
// SQL can be read before, and which any number of processes may make at once.

import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { SpillwayError } from '../../errors/index.js'
import type { Migration, SchemaState } from '../../ports/index.js'
import { assertVersion, type SqliteClient, type SqliteDatabase, versionOf } from './client.js'
import { type Connection, type ConnectionOptions, openConnection } from './connection.js'
import { lockedIfBusy } from './errors.js'
import { MIGRATIONS } from './migrations/index.js'

const TARGET = MIGRATIONS.at(-1)?.version ?? 0

/** Changes nothing, not even a file that is not there. */
export function readSchema(client: SqliteClient, path: string): SchemaState {
  if (!existsSync(path)) return stateAt(0)
  const db = new client.DatabaseSync(path, { readOnly: true })
  try {
    assertVersion(versionOf(db))
    return stateAt(installedVersion(db))
  } catch (error) {
    throw lockedIfBusy(error)
  } finally {
    db.close()
  }
}

export function migrateSchema(client: SqliteClient, options: ConnectionOptions): SchemaState {
  mkdirSync(dirname(options.path), { recursive: true })
  const connection = openConnection(client, options)
  try {
    return connection.write(() => migrate(connection, options.path))
  } finally {
    connection.close()
  }
}

function migrate(connection: Connection, path: string): SchemaState {
  const { current, pending } = stateAt(installedVersion(connection.db))
  if (current > TARGET) throw newerThanThis(current, path)
  for (const migration of pending) apply(connection, migration)
  return stateAt(TARGET)
}

/** Throws `store_incompatible` unless the schema is the one this release works with. */
export function assertCurrent({ current }: SchemaState, path: string): void {
  if (current === TARGET) return
  if (current > TARGET) throw newerThanThis(current, path)
  const found =
    current === 0 ? 'has no Spillway schema' : `has schema version ${current}, this release needs ${TARGET}`
  throw new SpillwayError('store_incompatible', `The database ${path} ${found}. Run \`spillway migrate\`.`, {
    details: { path, current, target: TARGET },
  })
}

function newerThanThis(current: number, path: string): SpillwayError {
  return new SpillwayError(
    'store_incompatible',
    `The database ${path} has schema version ${current}, made by a newer Spillway; this release knows up to ${TARGET}. Update Spillway.`,
    { details: { path, current, target: TARGET } },
  )
}

function installedVersion(db: SqliteDatabase): number {
  const table = db
    .prepare("select 1 from sqlite_schema where type = 'table' and name = 'spillway_migrations'")
    .get()
  if (table === undefined) return 0
  const row = db.prepare('select coalesce(max(version), 0) as version from spillway_migrations').get()
  return (row as { version: number }).version
}

function apply(connection: Connection, migration: Migration): void {
  connection.db.exec(
    'create table if not exists spillway_migrations (version integer primary key, name text not null, applied_at integer not null) strict',
  )
  connection.db.exec(migration.sql)
  connection.db
    .prepare('insert into spillway_migrations (version, name, applied_at) values (?, ?, ?)')
    .run(migration.version, migration.name, connection.now())
}

function stateAt(current: number): SchemaState {
  return { current, target: TARGET, pending: MIGRATIONS.filter(({ version }) => version > current) }
}
