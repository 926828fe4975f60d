// A connection of the benchmark's own to the database of a run: makes the user's table, says what is in it, and how much the
// database has written to its log. It goes past any proxy and does nothing while a load runs.

import { createConnection } from 'mysql2/promise'
import pg from 'pg'
import type { Side } from './sides/side.js'
import { MARIADB_TABLE, POSTGRES_TABLE } from './tables.js'

export interface TableContent {
  readonly rows: number
  /** Over all rows, to tell the right ones from others. */
  readonly positionSum: number
}

export interface Control {
  createTable(): Promise<void>
  content(): Promise<TableContent>
  /** Bytes written to the log (WAL, redo log) since some fixed point. */
  logBytes(): Promise<number>
  /** Writes out what earlier runs have left, so that this one does not pay for it. */
  checkpoint(): Promise<void>
  close(): Promise<void>
}

const CONTENT = 'SELECT count(*) AS total, coalesce(sum(position_ms), 0) AS positions FROM watch_events'

export function openControl(engine: Side['engine'], url: string): Promise<Control> {
  return engine === 'postgres' ? openPostgres(url) : openMariaDb(url)
}

async function openPostgres(url: string): Promise<Control> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const first = async (sql: string): Promise<Record<string, string>> => (await client.query(sql)).rows[0]
  return {
    async createTable() {
      await client.query(POSTGRES_TABLE)
    },
    async content() {
      const { total, positions } = await first(CONTENT)
      return { rows: Number(total), positionSum: Number(positions) }
    },
    async logBytes() {
      const row = await first("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS bytes")
      return Number(row.bytes)
    },
    async checkpoint() {
      await client.query('CHECKPOINT')
    },
    close: () => client.end(),
  }
}

async function openMariaDb(url: string): Promise<Control> {
  const connection = await createConnection(url)
  const first = async (sql: string): Promise<Record<string, string>> => {
    const [rows] = await connection.query(sql)
    return (rows as Record<string, string>[])[0] ?? {}
  }
  return {
    async createTable() {
      await connection.query(MARIADB_TABLE)
    },
    async content() {
      const { total, positions } = await first(CONTENT)
      return { rows: Number(total), positionSum: Number(positions) }
    },
    async logBytes() {
      const row = await first("SHOW GLOBAL STATUS LIKE 'Innodb_os_log_written'")
      return Number(row.Value)
    },
    async checkpoint() {
      await connection.query('FLUSH LOGS')
    },
    close: () => connection.end(),
  }
}
