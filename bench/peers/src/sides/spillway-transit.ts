// Spillway over its other durable ways: the journal and the brokers. Who submits, who ships and who works are processes of their own.

import { createSpillway } from 'spillway'
import { postgres } from 'spillway/postgres'
import { type Route, transitConfig } from '../transit-config.js'
import type { Side } from './side.js'
import { BATCH, ROLES, running } from './spillway.js'

function transitSide(title: string, { hasJournal, broker }: Route): Side {
  return {
    ...{ title, engine: 'postgres', hasJournal },
    redis: broker === 'redis' ? 'everysec' : null,
    ...(broker === null ? {} : { broker }),
    settings: {
      ...(hasJournal ? { journal: 'synced', agent: broker === null ? 'executes' : 'ships' } : {}),
      ...{ deduplicate: 'effect', batch: BATCH, handler: "into('watch_events'), onConflict: 'ignore'" },
      ...{ everythingElse: 'defaults', processes: 'one submits, one executes' },
    },
    async install({ database }) {
      const store = postgres(database)
      await store.schema.migrate()
      await store.close()
    },
    async open({ urls, role, landed }) {
      const { config, command } = transitConfig({ hasJournal, broker }, urls, landed)
      const spillway = await createSpillway(config, { roles: ROLES[role], logs: 'warn' })
      return running(spillway, command)
    },
  }
}

export const journalAndAgent = transitSide('journal, agent executes', { hasJournal: true, broker: null })
export const journalToRabbitMq = transitSide('journal, agent, RabbitMQ, worker', {
  ...{ hasJournal: true, broker: 'rabbitmq' },
})
export const journalToNats = transitSide('journal, agent, NATS, worker', { hasJournal: true, broker: 'nats' })

export const throughRabbitMq = transitSide('Spillway over RabbitMQ', {
  hasJournal: false,
  broker: 'rabbitmq',
})
export const throughNats = transitSide('Spillway over NATS', { hasJournal: false, broker: 'nats' })
export const throughKafka = transitSide('Spillway over Kafka', { hasJournal: false, broker: 'kafka' })
export const throughRedis = transitSide('Spillway over Redis', { hasJournal: false, broker: 'redis' })
