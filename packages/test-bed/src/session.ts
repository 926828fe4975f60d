// A connection to a database with one face for all engines: what a test looks up or sets behind a store's back.

import mysql from 'mysql2/promise'
import pg from 'pg'

const CONNECT_TIMEOUT_MS = 20_000

export interface Session extends AsyncDisposable {
  /** Rows of a statement; none for one that returns no rows. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  close(): Promise<void>
}

export async function openSession(url: string): Promise<Session> {
  const { query, close } = url.startsWith('mysql:') ? await mariaDbSession(url) : await postgresSession(url)
  return { query, close, [Symbol.asyncDispose]: close }
}

type Parts = Pick<Session, 'query' | 'close'>

async function postgresSession(url: string): Promise<Parts> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  // Servers are killed under it.
  client.on('error', () => undefined)
  await client.connect()
  return {
    query: async (sql) => (await client.query<Record<string, unknown>>(sql)).rows,
    close: () => client.end().catch(() => undefined),
  }
}

async function mariaDbSession(url: string): Promise<Parts> {
  const connection = await mysql.createConnection({ uri: url, connectTimeout: CONNECT_TIMEOUT_MS })
  connection.on('error', () => undefined)
  return {
    async query(sql) {
      const [rows] = await connection.query(sql)
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : []
    },
    close: () => connection.end().catch(() => connection.destroy()),
  }
}
