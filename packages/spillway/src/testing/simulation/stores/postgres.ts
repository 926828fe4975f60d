// The PostgreSQL store, simulated: one schema for all worlds, each of which finds its tables as the migrations left them.

import type { Pool, PoolClient } from 'pg'
import { systemClock } from '../../../runtime/index.js'
import { type PostgresOptions, postgres } from '../../../stores/postgres/index.js'
import type { TableShape } from '../../store-contract/index.js'
import { lockWaits } from './lock-waits.js'
import type { SimulatedStores } from './simulated-store.js'
import { createTableSql, insertSql, quoted, type SqlWords } from './sql.js'

const SCHEMA = 'spillway_simulation'
const FIRST = 'first_'
const WORDS: SqlWords = { quote: '"', text: 'text', integer: 'integer' }
/** Handlers that hang keep theirs until the worker gives up on them. */
const TRANSACTIONS_MAX = 60
const LOOK_EVERY_MS = 20

/** Whoever waits for a lock, on whatever connection of this database. */
const LOCK_WAITS = `
select pid, pid || ' ' || query_start as wait from pg_stat_activity
where backend_type = 'client backend' and datname = current_database() and state = 'active' and wait_event_type = 'Lock' and query not like '%pg_notify%'`

const END_OTHERS = `
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name = 'spillway' and pid <> pg_backend_pid()`

const TABLES = `
select relname as name from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'p')`

/** `url` names a database that may be used for this; its schema `spillway_simulation` is dropped before and after. */
export async function postgresStores(url: string): Promise<SimulatedStores> {
  const { default: pg } = await import('pg')
  const admin = new pg.Pool({ connectionString: url, max: 2, options: `-c search_path=${SCHEMA}` })
  // Its idle connections may still be there when the database is dropped.
  admin.on('error', () => {})
  const options: PostgresOptions = {
    ...{ schema: SCHEMA, listen: false, transactionsMax: TRANSACTIONS_MAX },
    connection: { options: `-c search_path=${SCHEMA}` },
  }
  await admin.query(`drop schema if exists ${SCHEMA} cascade`)
  await postgres(url, options).schema.migrate()
  const empty = await prepared(admin)

  return {
    name: 'postgres',
    async make(clock, tables) {
      await empty()
      await createTables(admin, tables)
      const store = postgres(url, { ...options, clock: { ...systemClock, now: () => clock.now() } })
      await store.open()
      return {
        store,
        isOutside: true,
        async insert(tx, table, row) {
          const sql = insertSql(table, Object.keys(row), WORDS, (nth) => `$${nth}`)
          await (tx as PoolClient).query(sql, Object.values(row))
        },
        readTable: async (table) =>
          (await admin.query(`select * from ${quoted(table, WORDS)} order by 1`)).rows,
        locks: {
          lookEveryMs: LOOK_EVERY_MS,
          endWaits: lockWaits(
            async () => (await admin.query<{ pid: number; wait: string }>(LOCK_WAITS)).rows,
            ({ pid }) => admin.query('select pg_cancel_backend($1)', [pid]),
          ),
        },
        dispose: () => store.close(),
      }
    },
    async close() {
      // A world that broke off leaves transactions, and they keep tables from being dropped.
      await admin.query(END_OTHERS)
      await admin.query(`drop schema if exists ${SCHEMA} cascade`)
      await admin.end()
    },
  }
}

async function createTables(admin: Pool, tables: readonly TableShape[]): Promise<void> {
  for (const table of tables) {
    await admin.query(`drop table if exists ${quoted(table.name, WORDS)}`)
    await admin.query(createTableSql(table, WORDS))
  }
}

/**
 * Keeps the rows that the migrations made. Returns what puts all tables back to that state. Vacuuming goes by real time and takes
 * locks, so it is off.
 */
async function prepared(admin: Pool): Promise<() => Promise<void>> {
  const { rows } = await admin.query<{ name: string }>(TABLES, [SCHEMA])
  const names = rows.map(({ name }) => name)
  for (const name of names) {
    await admin.query(`alter table ${quoted(name, WORDS)} set (autovacuum_enabled = off)`)
    await admin.query(`create table ${quoted(FIRST + name, WORDS)} as table ${quoted(name, WORDS)}`)
  }
  const kept: string[] = []
  for (const name of names) {
    const found = await admin.query(`select 1 from ${quoted(FIRST + name, WORDS)} limit 1`)
    if (found.rows.length > 0) kept.push(name)
  }
  const statements = [
    `truncate ${names.map((name) => quoted(name, WORDS)).join(', ')} restart identity`,
    ...kept.map((name) => `insert into ${quoted(name, WORDS)} table ${quoted(FIRST + name, WORDS)}`),
  ]
  return async () => {
    await admin.query(statements.join(';\n'))
  }
}
