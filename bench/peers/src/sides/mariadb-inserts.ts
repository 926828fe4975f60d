// No queue, on MariaDB: one INSERT and commit per request through a pool, and a thousand rows per statement.

import { createPool } from 'mysql2/promise'
import { POOL_CONNECTIONS } from '../effect.js'
import { BULK_ROWS, MARIADB_INSERT_MANY, MARIADB_INSERT_ONE, valuesOf } from '../tables.js'
import type { WatchEvent } from '../watch-events.js'
import type { RunningSide, Side, SideContext } from './side.js'

export const mariaDirectInserts: Side = {
  title: 'direct INSERT (MariaDB)',
  engine: 'mariadb',
  redis: null,
  settings: { poolConnections: POOL_CONNECTIONS, statement: 'prepared, one row, autocommit' },
  install: async () => {},
  open: openInserts,
}

export const mariaBulkLimit: Side = {
  title: 'bulk limit (MariaDB)',
  engine: 'mariadb',
  redis: null,
  settings: { rowsPerStatement: BULK_ROWS, statement: 'text, INSERT ... VALUES of many rows, autocommit' },
  install: async () => {},
  open: openInserts,
}

async function openInserts({ urls, landed }: SideContext): Promise<RunningSide> {
  const pool = createPool({ uri: urls.database, connectionLimit: POOL_CONNECTIONS })
  const count = (result: unknown, wanted: number) => {
    const written = (result as { affectedRows: number }).affectedRows
    landed.add(written, wanted - written)
  }
  return {
    async submit(event: WatchEvent) {
      const [result] = await pool.execute(MARIADB_INSERT_ONE, valuesOf(event))
      count(result, 1)
    },
    async submitMany(events: readonly WatchEvent[]) {
      const [result] = await pool.query(MARIADB_INSERT_MANY, [events.map(valuesOf)])
      count(result, events.length)
    },
    close: () => pool.end(),
  }
}
