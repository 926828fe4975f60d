// The brokers whose faults are tested: each a private server, Spillway's driver, and how a service in another language reaches it.

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
    connect: (url, prefix) => nats(url, { prefix }).broker,
    produce: produceToNats,
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
