// Every side by name. Each is loaded when it is wanted: a process that measures one of them holds no code of another.

import type { Side } from './side.js'
import type { SideName } from './side-names.js'

const spillway = () => import('./spillway.js')
const bullmq = () => import('./bullmq.js')
const graphile = () => import('./graphile-worker.js')
const boss = () => import('./pg-boss.js')
const transit = () => import('./spillway-transit.js')
const messages = () => import('./messages/index.js')
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
  journal: async () => (await transit()).journalAndAgent,
  'journal-rabbitmq': async () => (await transit()).journalToRabbitMq,
  'journal-nats': async () => (await transit()).journalToNats,
  rabbitmq: async () => (await transit()).throughRabbitMq,
  'rabbitmq-messages': async () => (await messages()).rabbitMqMessages.batched,
  'rabbitmq-rows': async () => (await messages()).rabbitMqMessages.rowByRow,
  nats: async () => (await transit()).throughNats,
  'nats-messages': async () => (await messages()).natsMessages.batched,
  'nats-rows': async () => (await messages()).natsMessages.rowByRow,
  kafka: async () => (await transit()).throughKafka,
  'kafka-messages': async () => (await messages()).kafkaMessages.batched,
  'kafka-rows': async () => (await messages()).kafkaMessages.rowByRow,
  redis: async () => (await transit()).throughRedis,
  'redis-messages': async () => (await messages()).redisMessages.batched,
  'redis-rows': async () => (await messages()).redisMessages.rowByRow,
  direct: async () => (await inserts()).directInserts,
  bulk: async () => (await inserts()).bulkLimit,
  'mariadb-spillway': async () => (await spillway()).onMariaDb,
  'mariadb-direct': async () => (await mariaInserts()).mariaDirectInserts,
  'mariadb-bulk': async () => (await mariaInserts()).mariaBulkLimit,
}

export function loadSide(name: SideName): Promise<Side> {
  return LOADERS[name]()
}
