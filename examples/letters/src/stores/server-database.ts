// A database of the run's own on the server of `--store`, whose user must be allowed to create it.

import mysqlDriver from 'mysql2/promise'
import pg from 'pg'
import { engineOf } from './index.js'

export interface ServerDatabase {
  readonly url: string
  drop(): Promise<void>
}

/** `run` tells it apart from those of other runs. */
export async function makeServerDatabase(serverUrl: string, run: string): Promise<ServerDatabase> {
  const name = `letters_${run}`.replaceAll(/[^a-z0-9_]/gi, '_').toLowerCase()
  const isPostgres = engineOf(serverUrl) === 'postgres'
  const execute = isPostgres ? onPostgres : onMysql
  await execute(serverUrl, `CREATE DATABASE ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: () => execute(serverUrl, `DROP DATABASE ${name}${isPostgres ? ' WITH (FORCE)' : ''}`),
  }
}

async function onPostgres(url: string, sql: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function onMysql(url: string, sql: string): Promise<void> {
  const connection = await mysqlDriver.createConnection(url)
  try {
    await connection.query(sql)
  } finally {
    await connection.end()
  }
}
