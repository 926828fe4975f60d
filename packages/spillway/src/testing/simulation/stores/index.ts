// The stores a simulated world can run on, by name.

import { memoryStores } from './memory.js'
import { mysqlStores } from './mysql.js'
import { postgresStores } from './postgres.js'
import type { SimulatedStores } from './simulated-store.js'
import { sqliteStores } from './sqlite.js'

export const STORES = ['memory', 'sqlite', 'postgres', 'mysql'] as const
export type StoreName = (typeof STORES)[number]

/** Throws a TypeError when the store needs a server and no url names one. */
export async function storesNamed(name: StoreName, url: string | null): Promise<SimulatedStores> {
  switch (name) {
    case 'memory':
      return memoryStores()
    case 'sqlite':
      return sqliteStores()
    case 'postgres':
      return postgresStores(urlFor(name, url))
    case 'mysql':
      return mysqlStores(urlFor(name, url))
  }
}

function urlFor(name: StoreName, url: string | null): string {
  if (url === null) throw new TypeError(`--store ${name} needs --url with a database that may be emptied`)
  return url
}
