// The platform on MySQL or MariaDB: its own pool, and Spillway's store in the same database.

import mysqlDriver from 'mysql2/promise'
import { mysql } from 'spillway/mysql'
import { databaseName, type Places, urlOfDatabase } from '../places.js'
import type { Storage } from '../storage.js'
import { mysqlTables } from './tables.js'

/** What a service of this size would give itself. */
const CONNECTIONS_MAX = 20

export function openMysqlStorage(url: string): Storage {
  const pool = mysqlDriver.createPool({ uri: url, connectionLimit: CONNECTIONS_MAX })
  return { store: mysql(url), tables: mysqlTables(pool), close: () => pool.end() }
}

/** Databases of the server behind `url`, whose user must be allowed to create them. */
export function mysqlPlaces(url: string, run: string): Places {
  const names: string[] = []
  return {
    async make(name) {
      const database = databaseName(run, name)
      await onServer(url, `CREATE DATABASE \`${database}\``)
      names.push(database)
      return urlOfDatabase(url, database)
    },
    async remove() {
      for (const name of names.splice(0)) await onServer(url, `DROP DATABASE \`${name}\``)
    },
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const connection = await mysqlDriver.createConnection(url)
  try {
    await connection.query(sql)
  } finally {
    await connection.end()
  }
}
