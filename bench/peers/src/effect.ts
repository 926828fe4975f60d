// How a peer's handler writes its row: the same pool of connections and the same prepared statements for all of them.

import pg from 'pg'
import { columnArrays, POSTGRES_INSERT_MANY, POSTGRES_INSERT_ONE, valuesOf } from './tables.js'
import type { WatchEvent } from './watch-events.js'

export const POOL_CONNECTIONS = 20

export interface Effect {
  /** Resolves with the number of rows that were new. */
  writeOne(event: WatchEvent): Promise<number>
  writeMany(events: readonly WatchEvent[]): Promise<number>
  close(): Promise<void>
}

export function openPool(url: string): pg.Pool {
  return new pg.Pool({ connectionString: url, max: POOL_CONNECTIONS, idleTimeoutMillis: 0 })
}

export function openEffect(url: string): Effect {
  const pool = openPool(url)
  return {
    async writeOne(event) {
      const { rowCount } = await pool.query({
        ...{ name: 'insert_one', text: POSTGRES_INSERT_ONE },
        values: valuesOf(event),
      })
      return rowCount ?? 0
    },
    async writeMany(events) {
      const { rowCount } = await pool.query({
        ...{ name: 'insert_many', text: POSTGRES_INSERT_MANY },
        values: columnArrays(events),
      })
      return rowCount ?? 0
    },
    close: () => pool.end(),
  }
}
