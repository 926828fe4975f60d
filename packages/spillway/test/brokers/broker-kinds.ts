// The brokers whose faults are tested: each a private server, Spillway's driver, and how a service in another language reaches it.

import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { type PrivateServer, startKafka, startNats, startRabbitMq, startRedis } from 'spillway-test-bed'
import { kafka } from '../../src/brokers/kafka/index.js'
import { nats } from '../../src/brokers/nats/index.js'
import { rabbitmq } from '../../src/brokers/rabbitmq/index.js'
import { redis } from '../../src/brokers/redis/index.js'
import type { Broker } from '../../src/ports/index.js'
import {
  type ForeignProducer,
  produceToKafka,
  produceToNats,
  produceToRabbitMq,
  produceToRedis,
} from './foreign-producers.js'

export interface BrokerKind {
  readonly kind: 'rabbitmq' | 'nats' | 'kafka' | 'redis'
  start(): Promise<PrivateServer>
  connect(url: string, prefix: string): Broker
  readonly produce: ForeignProducer
  /** What an operator does about a server that was killed and is stuck. Absent where that cannot happen. */
  free?(url: string, prefix: string, queues: readonly string[]): Promise<void>
}

export const BROKERS: readonly BrokerKind[] = [
  {
    kind: 'rabbitmq',
    start: () => startRabbitMq(),
    connect: (url, prefix) => rabbitmq(url, { prefix }).broker,
    produce: produceToRabbitMq,
  },
  {
    kind: 'nats',
    start: () => startNats(),
    // As all other processes have it.
    connect: (url, prefix) => nats(url, { prefix, ackWait: '1s' }).broker,
    produce: produceToNats,
    free: removeConsumers,
  },
  {
    kind: 'kafka',
    start: () => startKafka(),
    connect: (url, prefix) => kafka(url, { prefix, partitions: 4 }).broker,
    produce: produceToKafka,
  },
  {
    kind: 'redis',
    start: () => startRedis({ settings: { appendonly: 'yes', appendfsync: 'everysec' } }),
    connect: (url, prefix) => redis(url, { prefix }).broker,
    produce: produceToRedis,
  },
]

/**
 * Servers before 2.10.25 that were killed try to deliver again what was acknowledged just before that, and everything else waits behind
 * it (nats-server#6374). A consumer that is removed is made anew by whoever reads, and finds what is there.
 */
async function removeConsumers(url: string, prefix: string, queues: readonly string[]): Promise<void> {
  const connection = await connect({ servers: url })
  const { consumers } = await jetstreamManager(connection)
  for (const queue of queues) await consumers.delete(prefix, queue)
  await connection.close()
}
