// The MySQL store, simulated: one database for all worlds, each of which finds its tables as the migrations left them.

import type { Connection, RowDataPacket } from 'mysql2/promise'
import { SpillwayError } from '../../../errors/index.js'
import { systemClock } from '../../../runtime/index.js'
import { type MysqlTx, mysql } from '../../../stores/mysql/index.js'
import { seededRandom } from '../../seeded-random.js'
import type { TableShape } from '../../store-contract/index.js'
import { lockWaits } from './lock-waits.js'
import type { SimulatedStores } from './simulated-store.js'
import { createTableSql, insertSql, quoted, type SqlWords } from './sql.js'

const FIRST = 'first_'
const WORDS: SqlWords = { quote: '`', text: 'varchar(190) collate utf8mb4_bin', integer: 'bigint' }
/** Handlers that hang keep theirs until the worker gives up on them. */
const POOL_SIZE = 60
/** InnoDB shows its transactions as they were until nobody has looked for 100 ms. */
const LOOK_EVERY_MS = 130

/** The number of a statement is MariaDB's. */
const LOCK_WAITS = `
select trx_mysql_thread_id as thread, concat(id, ' ', query_id) as wait from information_schema.innodb_trx
join information_schema.processlist on id = trx_mysql_thread_id
where trx_state = 'LOCK WAIT' and db = database()`

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
            async () => (await rowsOf(admin, LOCK_WAITS)) as { thread: number; wait: string }[],
            ({ thread }) => admin.query(`kill query ${Number(thread)}`),
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
