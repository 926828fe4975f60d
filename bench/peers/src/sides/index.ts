// Every side by name. Each is loaded when it is wanted: a process that measures one of them holds no code of another.

import type { Side } from './side.js'
import type { SideName } from './side-names.js'

const spillway = () => import('./spillway.js')
const bullmq = () => import('./bullmq.js')
const graphile = () => import('./graphile-worker.js')
const boss = () => import('./pg-boss.js')
const inserts = () => import('./postgres-inserts.js')
const mariaInserts = () => import('./mariadb-inserts.js')

const LOADERS: Readonly<Record<SideName, () => Promise<Side>>> = {
  spillway: async () => (await spillway()).withDedupeAtIntake,
  'spillway-effect': async () => (await spillway()).withDedupeAtTheEffect,
  'spillway-none': async () => (await spillway()).withoutDedupe,
  bullmq: async () => (await bullmq()).everySecond,
  'bullmq-always': async () => (await bullmq()).always,
  'bullmq-coalesced': async () => (await bullmq()).everySecondCoalesced,
  'bullmq-postgres': async () => (await import('./bullmq-postgres.js')).bullMqOnPostgres,
  'pg-boss': async () => (await boss()).polling,
  'pg-boss-notified': async () => (await boss()).notified,
  'graphile-worker': async () => (await graphile()).rowByRow,
  'graphile-eager': async () => (await graphile()).eager,
  'graphile-coalesced': async () => (await graphile()).withCoalescedRows,
  direct: async () => (await inserts()).directInserts,
  bulk: async () => (await inserts()).bulkLimit,
  'mariadb-spillway': async () => (await spillway()).onMariaDb,
  'mariadb-direct': async () => (await mariaInserts()).mariaDirectInserts,
  'mariadb-bulk': async () => (await mariaInserts()).mariaBulkLimit,
}

export function loadSide(name: SideName): Promise<Side> {
  return LOADERS[name]()
}
