// A location is a path or a URL: SQLite by path, the servers by theirs. Everything else of the platform is the same. The client of an
// engine is loaded where that engine is used: a process that is killed and started again is back in half the time.

import { UsageError } from '../usage-error.js'
import type { Places } from './places.js'
import type { Storage } from './storage.js'

export type { Places } from './places.js'
export type { PlatformTables, Storage, ViewCount } from './storage.js'

export type Engine = 'sqlite' | 'postgres' | 'mysql'

export async function openStorage(location: string): Promise<Storage> {
  switch (engineOf(location)) {
    case 'postgres':
      return (await import('./postgres/index.js')).openPostgresStorage(location)
    case 'mysql':
      return (await import('./mysql/index.js')).openMysqlStorage(location)
    case 'sqlite':
      return (await import('./sqlite/index.js')).openSqliteStorage(location)
  }
}

/** Where databases are made for one run, on the server behind `url`. */
export async function placesOn(url: string, run: string): Promise<Places> {
  if (engineOf(url) === 'mysql') return (await import('./mysql/index.js')).mysqlPlaces(url, run)
  return (await import('./postgres/index.js')).postgresPlaces(url, run)
}

export function engineOf(location: string): Engine {
  if (/^postgres(ql)?:\/\//.test(location)) return 'postgres'
  if (/^(mysql|mariadb):\/\//.test(location)) return 'mysql'
  if (/^[a-z]+:\/\//.test(location)) {
    throw new UsageError('--store: expected a URL that begins with postgres:// or mysql://')
  }
  return 'sqlite'
}
