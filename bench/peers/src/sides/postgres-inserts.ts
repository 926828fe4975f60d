// No queue: what most services do, one INSERT and commit per request through a pool; and the limit, whoever has all rows at
// hand and writes a thousand per statement.

import { type Effect, openEffect, POOL_CONNECTIONS } from '../effect.js'
import { BULK_ROWS } from '../tables.js'
import type { Side, SideContext } from './side.js'

export const directInserts: Side = {
  title: 'direct INSERT',
  engine: 'postgres',
  redis: null,
  settings: { poolConnections: POOL_CONNECTIONS, statement: 'prepared, one row, autocommit' },
  install: async () => {},
  open: openInserts,
}

export const bulkLimit: Side = {
  title: 'bulk limit',
  engine: 'postgres',
  redis: null,
  settings: { rowsPerStatement: BULK_ROWS, statement: 'prepared, INSERT ... SELECT FROM unnest, autocommit' },
  install: async () => {},
  open: openInserts,
}

async function openInserts({ urls, landed }: SideContext) {
  const effect: Effect = openEffect(urls.database)
  return {
    async submit(event: Parameters<Effect['writeOne']>[0]) {
      const written = await effect.writeOne(event)
      landed.add(written, 1 - written)
    },
    async submitMany(events: Parameters<Effect['writeMany']>[0]) {
      const written = await effect.writeMany(events)
      landed.add(written, events.length - written)
    },
    close: () => effect.close(),
  }
}
