// The schema's version, and the way to the next one. Opening a store never migrates; migrating is a call of its own, whose SQL can
// be read before, and which any number of processes may make at once: one works, the others wait and find it done.
//
// A schema that is newer than this release is no obstacle as long as nothing was taken away that this release needs: each
// migration says which releases it still serves.

import type { ClientBase } from 'pg'
import { SpillwayError } from '../../errors/index.js'
import type { Migration, SchemaState, StoreSchema } from '../../ports/index.js'
import { BEGIN, commit, rollback } from './commit.js'
import type { Connections } from './connections.js'
import { MIGRATIONS } from './migrations/index.js'
import { migrationFor } from './migrations/sql-migration.js'
import type { Statements } from './statements.js'

export interface Schema extends StoreSchema {
  /** Throws `store_incompatible` unless this release can work with what is installed. */
  assertUsable(): Promise<void>
}

export interface SchemaParts {
  readonly connections: Connections
  /** Without a deadline: a migration takes as long as it takes. */
  readonly statements: Statements
  /** As it is. */
  readonly schema: string
}

interface Installed {
  readonly version: number
  /** The oldest target that still works. */
  readonly oldest: number
}

const TARGET = MIGRATIONS.at(-1)?.version ?? 0
/** A migration that cannot lock a table at once gives up instead of holding up everybody behind it. */
const LOCK_TIMEOUT_MS = 5_000

const EXISTS = 'select to_regclass($1::text) is not null as exists'
const INSTALLED = 'select max(version) as version, max(oldest) as oldest from @.migrations'
const LOCK = "select pg_advisory_xact_lock(hashtextextended('spillway migrate ' || $1::text, 0))"

export function newSchema({ connections, statements, schema }: SchemaParts): Schema {
  const migrations = MIGRATIONS.map((migration) => migrationFor(migration, schema))

  async function installed(client: ClientBase): Promise<Installed> {
    const [table] = await statements.run<{ exists: boolean }>(client, EXISTS, [
      `${statements.schema}.migrations`,
    ])
    if (table?.exists !== true) return { version: 0, oldest: 0 }
    const [found] = await statements.run<{ version: number | null; oldest: number | null }>(
      client,
      INSTALLED,
      [],
    )
    return { version: found?.version ?? 0, oldest: found?.oldest ?? 0 }
  }

  /** One migration is one transaction, so that its locks are held for as long as it takes and no longer. */
  async function migrateOnce(client: ClientBase): Promise<SchemaState> {
    await client.query(BEGIN)
    try {
      await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`)
      await statements.run(client, LOCK, [schema])
      const found = await installed(client)
      assertNotTooNew(found, schema)
      const [next] = stateAt(found.version, migrations).pending
      if (next !== undefined) await client.query(next.sql)
      await commit(client, statements)
      return stateAt(next?.version ?? found.version, migrations)
    } catch (error) {
      await rollback(client, statements)
      throw error
    }
  }

  async function migrate(client: ClientBase): Promise<SchemaState> {
    let state = await migrateOnce(client)
    while (state.pending.length > 0) state = await migrateOnce(client)
    return state
  }

  async function alone<T>(work: (client: ClientBase) => Promise<T>): Promise<T> {
    try {
      return await connections.alone(work)
    } catch (error) {
      throw connections.errorOf(error)
    }
  }

  return {
    state: () => alone(async (client) => stateAt((await installed(client)).version, migrations)),
    migrate: () => alone(migrate),
    assertUsable: () => alone(async (client) => assertUsable(await installed(client), schema)),
  }
}

function stateAt(current: number, migrations: readonly Migration[]): SchemaState {
  return { current, target: TARGET, pending: migrations.filter(({ version }) => version > current) }
}

function assertUsable(found: Installed, schema: string): void {
  assertNotTooNew(found, schema)
  if (found.version >= TARGET) return
  const has =
    found.version === 0 ? 'is not there' : `has version ${found.version}, and this release needs ${TARGET}`
  throw new SpillwayError('store_incompatible', `The schema ${schema} ${has}. Run \`spillway migrate\`.`, {
    details: { schema, current: found.version, target: TARGET },
  })
}

function assertNotTooNew({ version, oldest }: Installed, schema: string): void {
  if (oldest <= TARGET) return
  throw new SpillwayError(
    'store_incompatible',
    `The schema ${schema} has version ${version}, which works with releases that know version ${oldest}; this one knows up to ${TARGET}. Update Spillway.`,
    { details: { schema, current: version, target: TARGET, oldest } },
  )
}
