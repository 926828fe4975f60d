// A location is a path or a URL: SQLite by path, the servers by theirs. Everything else of the application is the same.

import type { SpillwayConfig } from 'spillway'
import { UsageError } from '../usage-error.js'

export type Engine = 'sqlite' | 'postgres' | 'mysql'

export const ENGINE_NAMES = { sqlite: 'SQLite', postgres: 'PostgreSQL', mysql: 'MySQL' } as const

export async function openStore(location: string): Promise<SpillwayConfig['store']> {
  switch (engineOf(location)) {
    case 'postgres':
      return (await import('spillway/postgres')).postgres(location)
    case 'mysql':
      return (await import('spillway/mysql')).mysql(location)
    case 'sqlite':
      return (await import('spillway/sqlite')).sqlite(location)
  }
}

export function engineOf(location: string): Engine {
  if (/^postgres(ql)?:\/\//.test(location)) return 'postgres'
  if (/^(mysql|mariadb):\/\//.test(location)) return 'mysql'
  if (/^[a-z]+:\/\//.test(location)) {
    throw new UsageError("--store: expected 'sqlite' or a URL that begins with postgres:// or mysql://")
  }
  return 'sqlite'
}
