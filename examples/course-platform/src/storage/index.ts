// A location is a path or a URL: SQLite by path, the servers by theirs. Everything else of the platform is the same.

import { UsageError } from '../usage-error.js'
import { openMysqlStorage } from './mysql/index.js'
import { openPostgresStorage } from './postgres/index.js'
import { openSqliteStorage } from './sqlite/index.js'
import type { Storage } from './storage.js'

export { mysqlPlaces } from './mysql/index.js'
export type { Places } from './places.js'
export { postgresPlaces } from './postgres/index.js'
export type { PlatformTables, Storage, ViewCount } from './storage.js'

export type Engine = 'sqlite' | 'postgres' | 'mysql'

export function openStorage(location: string): Storage {
  switch (engineOf(location)) {
    case 'postgres':
      return openPostgresStorage(location)
    case 'mysql':
      return openMysqlStorage(location)
    case 'sqlite':
      return openSqliteStorage(location)
  }
}

export function engineOf(location: string): Engine {
  if (/^postgres(ql)?:\/\//.test(location)) return 'postgres'
  if (/^(mysql|mariadb):\/\//.test(location)) return 'mysql'
  if (/^[a-z]+:\/\//.test(location)) {
    throw new UsageError('--store: expected a URL that begins with postgres:// or mysql://')
  }
  return 'sqlite'
}
