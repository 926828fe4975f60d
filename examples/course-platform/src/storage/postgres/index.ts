// The platform on PostgreSQL: its own pool, and Spillway's store in the same database.

import pg from 'pg'
import { postgres } from 'spillway/postgres'
import { databaseName, type Places, urlOfDatabase } from '../places.js'
import type { Storage } from '../storage.js'
import { postgresTables } from './tables.js'

/** What a service of this size would give itself. */
const CONNECTIONS_MAX = 20

export function openPostgresStorage(url: string): Storage {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS_MAX })
  // An idle connection that the server ends is replaced when one is needed.
  pool.on('error', () => {})
  return { store: postgres(url), tables: postgresTables(pool), close: () => pool.end() }
}

/** Databases of the server behind `url`, whose user must be allowed to create them. */
export function postgresPlaces(url: string, run: string): Places {
  const names: string[] = []
  return {
    async make(name) {
      const database = databaseName(run, name)
      await onServer(url, `CREATE DATABASE "${database}"`)
      names.push(database)
      return urlOfDatabase(url, database)
    },
    async remove() {
      for (const name of names.splice(0)) await onServer(url, `DROP DATABASE "${name}" WITH (FORCE)`)
    },
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
