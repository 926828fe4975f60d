// The schema's version, and the way to the next one. Opening a store never migrates; migrating is a call of its own, whose SQL can
// be read before, and which any number of processes may make at once. Every statement that changes a table commits by itself, so
// how far a migration came is written down after each.

import { SpillwayError } from '../../errors/index.js'
import type { Migration, SchemaState } from '../../ports/index.js'
import type { Connection } from './connection.js'
import { isDoneAlready } from './errors.js'
import { asMigration, MIGRATIONS, type StatementMigration } from './migrations/index.js'
import { nowSql } from './session.js'
import { integer, text } from './sql-text.js'

const TARGET = MIGRATIONS.at(-1)?.version ?? 0

const MIGRATIONS_TABLE = `
create table if not exists spillway_migrations (
  version int not null,
  name varchar(100) not null,
  serves_from int not null,      -- oldest schema version whose releases can use this one
  statements_done int not null,
  applied_at bigint,             -- null: stopped before its end
  primary key (version)
) engine = InnoDB default charset = utf8mb4 collate = utf8mb4_bin`

const HAS_TABLE =
  "select 1 from information_schema.tables where table_schema = database() and table_name = 'spillway_migrations'"

/** Databases are told apart, whatever the length of their names. */
const LOCK_NAME = "concat('spillway.migrate.', left(sha2(database(), 256), 32))"
/** How long one process waits for another's migration before it asks again. */
const LOCK_WAIT_S = 5
const LOCK_ATTEMPTS_MAX = 60

export interface InstalledSchema {
  /** 0 when nothing is installed. */
  readonly version: number
  /** Oldest version whose releases can use it. */
  readonly servesFrom: number
}

export async function readInstalled(connection: Connection): Promise<InstalledSchema> {
  const [table] = await connection.send([HAS_TABLE])
  if (table?.rows.length === 0) return { version: 0, servesFrom: 0 }
  const [found] = await connection.send([
    'select coalesce(max(version), 0) as version, coalesce(max(serves_from), 0) as serves_from from spillway_migrations where applied_at is not null',
  ])
  const row = found?.rows[0]
  return { version: Number(row?.version), servesFrom: Number(row?.serves_from) }
}

export function stateOf({ version }: InstalledSchema): SchemaState {
  const pending = MIGRATIONS.filter((migration) => migration.version > version).map(byHand)
  return { current: version, target: TARGET, pending }
}

/** With what is written down about it: a person who runs it does what migrating does. */
function byHand(migration: StatementMigration): Migration {
  const { version, name, servesFrom, statements } = migration
  const noted = `
insert into spillway_migrations (version, name, serves_from, statements_done, applied_at)
values (${version}, ${text(name)}, ${servesFrom}, ${statements.length}, ${nowSql(null)})
on duplicate key update statements_done = ${statements.length}, applied_at = ${nowSql(null)}`
  const first = version === 1 ? [MIGRATIONS_TABLE] : []
  return asMigration({ ...migration, statements: [...first, ...statements, noted] })
}

/** Throws `store_incompatible` unless this release can work with the schema. A newer one may say that it can. */
export function assertUsable({ version, servesFrom }: InstalledSchema, place: string): void {
  if (version === TARGET || (version > TARGET && servesFrom <= TARGET)) return
  if (version > TARGET) throw newerThanThis(version, place)
  const found =
    version === 0 ? 'has no Spillway schema' : `has schema version ${version}, this release needs ${TARGET}`
  throw new SpillwayError('store_incompatible', `The database ${place} ${found}. Run \`spillway migrate\`.`, {
    details: { place, current: version, target: TARGET },
  })
}

export async function migrate(connection: Connection, now: string, place: string): Promise<SchemaState> {
  await lock(connection, place)
  try {
    const installed = await readInstalled(connection)
    if (installed.version > TARGET && installed.servesFrom > TARGET)
      throw newerThanThis(installed.version, place)
    await connection.send([MIGRATIONS_TABLE])
    for (const migration of MIGRATIONS) {
      if (migration.version > installed.version) await apply(connection, migration, now)
    }
    return stateOf(await readInstalled(connection))
  } finally {
    await connection.send([`do release_lock(${LOCK_NAME})`])
  }
}

async function lock(connection: Connection, place: string): Promise<void> {
  for (let attempt = 0; attempt < LOCK_ATTEMPTS_MAX; attempt += 1) {
    const [answer] = await connection.send([`select get_lock(${LOCK_NAME}, ${LOCK_WAIT_S}) as locked`])
    if (Number(answer?.rows[0]?.locked) === 1) return
  }
  throw new SpillwayError(
    'store_unavailable',
    `Another process has been migrating the database ${place} for more than ${LOCK_WAIT_S * LOCK_ATTEMPTS_MAX} s. Try again when it is done.`,
    { details: { reason: 'migrating', place } },
  )
}

async function apply(connection: Connection, migration: StatementMigration, now: string): Promise<void> {
  const { version, name, statements, servesFrom } = migration
  await connection.send([
    `insert ignore into spillway_migrations (version, name, serves_from, statements_done) values (${integer(version)}, ${text(name)}, ${integer(servesFrom)}, 0)`,
  ])
  const [progress] = await connection.send([
    `select statements_done from spillway_migrations where version = ${integer(version)}`,
  ])
  const done = Number(progress?.rows[0]?.statements_done)
  for (const [place, statement] of statements.entries()) {
    if (place < done) continue
    await applyOne(connection, statement, place === done)
    await connection.send([
      `update spillway_migrations set statements_done = ${place + 1} where version = ${integer(version)}`,
    ])
  }
  await connection.send([
    `update spillway_migrations set applied_at = ${now} where version = ${integer(version)}`,
  ])
}

/** The first one may have been executed by a process that died before it wrote that down. */
async function applyOne(connection: Connection, statement: string, mayBeDone: boolean): Promise<void> {
  try {
    await connection.send([statement])
  } catch (error) {
    if (!mayBeDone || !isDoneAlready(error)) throw error
  }
}

function newerThanThis(version: number, place: string): SpillwayError {
  return new SpillwayError(
    'store_incompatible',
    `The database ${place} has schema version ${version}, made by a newer Spillway; this release knows up to ${TARGET}. Update Spillway.`,
    { details: { place, current: version, target: TARGET } },
  )
}
