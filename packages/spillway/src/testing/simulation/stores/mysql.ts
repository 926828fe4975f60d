// The MySQL store, simulated: one database for all worlds, each of which finds its tables as the migrations left them.

import type { Connection, RowDataPacket } from 'mysql2/promise'
import { SpillwayError } from '../../../errors/index.js'
import { systemClock } from '../../../runtime/index.js'
import { type MysqlTx, mysql } from '../../../stores/mysql/index.js'
import { seededRandom } from '../../seeded-random.js'
import type { TableShape } from '../../store-contract/index.js'
import { type LockWait, lockWaits } from './lock-waits.js'
import type { SimulatedStores } from './simulated-store.js'
import { createTableSql, insertSql, quoted, type SqlWords } from './sql.js'

const FIRST = 'first_'
const WORDS: SqlWords = { quote: '`', text: 'varchar(190) collate utf8mb4_bin', integer: 'bigint' }
/** Handlers that hang keep theirs until the worker gives up on them. */
const POOL_SIZE = 60
const LOOK_EVERY_MS = 20

/**
 * Whoever waits for a lock, on the whole server. Not from the tables of transactions and locks: all that look into those share one
 * picture of them, which is drawn anew only when nobody has looked for 100 ms, so that somebody else who waits for a wait makes it old.
 */
const STATUS = 'show engine innodb status'
/** The number of a statement is MariaDB's. */
const WAITING =
  /^---TRANSACTION .*\n(?:mysql tables in use .*\n)?LOCK WAIT .*\nMariaDB thread id .* query id (\d+) /gm
/** It ended meanwhile. */
const NO_SUCH_QUERY = 1957

const TABLES = `
select table_name as name from information_schema.tables
where table_schema = database() and table_type = 'BASE TABLE'`

const OTHERS = `
select id from information_schema.processlist where db = database() and id <> connection_id()`

/** `url` names an empty database, which is emptied again at the end. */
export async function mysqlStores(url: string): Promise<SimulatedStores> {
  const { createConnection } = await import('mysql2/promise')
  const admin = await createConnection({ uri: url, multipleStatements: true })
  const options = { synchronous: 'normal', poolSize: POOL_SIZE } as const
  await assertEmpty(admin)
  await mysql(url, options).schema.migrate()
  const { names, empty } = await prepared(admin)

  return {
    name: 'mysql',
    async make(clock, tables) {
      await empty()
      await createTables(admin, tables)
      const store = mysql(url, {
        ...options,
        clock: { ...systemClock, now: () => clock.now() },
        random: seededRandom(1),
      })
      await store.open()
      return {
        store,
        isOutside: true,
        async insert(tx, table, row) {
          const sql = insertSql(table, Object.keys(row), WORDS, () => '?')
          await (tx as MysqlTx).query(sql, Object.values(row))
        },
        readTable: (table) => rowsOf(admin, `select * from ${quoted(table, WORDS)} order by 1`),
        locks: {
          lookEveryMs: LOOK_EVERY_MS,
          endWaits: lockWaits(
            () => waitingStatements(admin),
            ({ wait }) => endStatement(admin, wait),
          ),
        },
        dispose: () => store.close(),
      }
    },
    async close() {
      await endOthers(admin)
      for (const name of [...names, ...names.map((name) => FIRST + name)])
        await admin.query(`drop table if exists ${quoted(name, WORDS)}`)
      await admin.query('drop view if exists spillway_commands')
      await admin.end()
    },
  }
}

async function rowsOf(admin: Connection, sql: string): Promise<Record<string, unknown>[]> {
  const [rows] = await admin.query<RowDataPacket[]>(sql)
  return rows.map((row) => ({ ...row }))
}

/** Of this database. */
async function waitingStatements(admin: Connection): Promise<LockWait[]> {
  const [status] = await rowsOf(admin, STATUS)
  const numbers = [...String(status?.['Status']).matchAll(WAITING)].map(([, number]) => Number(number))
  if (numbers.length === 0) return []
  const own = `select query_id as wait from information_schema.processlist where db = database() and query_id in (${numbers})`
  return (await rowsOf(admin, own)).map(({ wait }) => ({ wait: String(wait) }))
}

/** By its number, which no later statement of its connection has. */
async function endStatement(admin: Connection, number: string): Promise<void> {
  await admin.query(`kill query id ${number}`).catch((error: { errno?: number }) => {
    if (error.errno !== NO_SUCH_QUERY) throw error
  })
}

/** A world that broke off leaves transactions, and they keep tables from being dropped. */
async function endOthers(admin: Connection): Promise<void> {
  for (const { id } of await rowsOf(admin, OTHERS)) await admin.query(`kill ${Number(id)}`).catch(() => {})
}

async function assertEmpty(admin: Connection): Promise<void> {
  if ((await rowsOf(admin, TABLES)).length === 0) return
  throw new SpillwayError(
    'invalid_argument',
    'The simulation needs an empty database: the one of the url has tables.',
  )
}

async function createTables(admin: Connection, tables: readonly TableShape[]): Promise<void> {
  for (const table of tables) {
    await admin.query(`drop table if exists ${quoted(table.name, WORDS)}`)
    await admin.query(createTableSql(table, WORDS))
  }
}

/** Keeps the rows that the migrations made. `empty` puts all tables back to that state. */
async function prepared(admin: Connection) {
  const names = (await rowsOf(admin, TABLES)).map(({ name }) => String(name))
  const kept: string[] = []
  for (const name of names) {
    await admin.query(`create table ${quoted(FIRST + name, WORDS)} as select * from ${quoted(name, WORDS)}`)
    const rows = await rowsOf(admin, `select 1 from ${quoted(FIRST + name, WORDS)} limit 1`)
    if (rows.length > 0) kept.push(name)
  }
  const statements = [
    ...names.map((name) => `delete from ${quoted(name, WORDS)}`),
    ...kept.map((name) => `insert into ${quoted(name, WORDS)} select * from ${quoted(FIRST + name, WORDS)}`),
  ]
  return {
    names,
    empty: async () => {
      await admin.query(statements.join(';'))
    },
  }
}
