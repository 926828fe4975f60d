// The servers of a run: one PostgreSQL, one Redis, one MariaDB, private, with settings that are published with the figures.
// Commits reach the disk on all of them.

import { statfsSync } from 'node:fs'
import {
  type PrivateServer,
  startKafka,
  startMariaDb,
  startNats,
  startPostgres,
  startRabbitMq,
  startRedis,
  type TestDatabase,
} from 'spillway-test-bed'
import type { BrokerName } from './broker-names.js'

export const POSTGRES_SETTINGS = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_level: 'replica',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  max_connections: '300',
} as const

export const REDIS_SETTINGS = {
  appendonly: 'yes',
  appendfsync: 'everysec',
  'maxmemory-policy': 'noeviction',
  'auto-aof-rewrite-percentage': '0',
} as const

export const MARIADB_SETTINGS = {
  'innodb-flush-log-at-trx-commit': '1',
  'innodb-buffer-pool-size': '1G',
  'innodb-log-file-size': '2G',
  'max-allowed-packet': '64M',
} as const

/** Quorum queues sync every message; the other two leave it to the system when their files are written back. */
export const BROKER_SETTINGS = {
  RabbitMQ: 'defaults, quorum queues',
  NATS: 'defaults, JetStream streams in files, sync_interval 2m',
  Kafka: 'defaults, one node that is broker and controller',
} as const

/** Of a file system that is memory: its syncs cost nothing. */
const TMPFS = 0x01021994

interface DatabaseServer extends PrivateServer {
  createDatabase(): Promise<TestDatabase>
}

export interface Bed {
  postgres(): Promise<DatabaseServer>
  mariadb(): Promise<DatabaseServer>
  redis(): Promise<PrivateServer>
  /** Redis is the one that the queues of others use. */
  broker(name: BrokerName): Promise<PrivateServer>
  /** Whether a server's files are in memory. */
  isInMemory(server: PrivateServer): boolean
  stop(): Promise<void>
}

/** Servers are started when they are first asked for. */
export function makeBed(): Bed {
  const started: Promise<PrivateServer>[] = []
  const lazily = <Server extends PrivateServer>(start: () => Promise<Server>) => {
    let server: Promise<Server> | null = null
    return () => {
      if (server === null) {
        server = start()
        started.push(server)
      }
      return server
    }
  }
  const redis = lazily(() => startRedis({ settings: REDIS_SETTINGS }))
  const brokers = {
    ...{ redis, rabbitmq: lazily(startRabbitMq), nats: lazily(startNats), kafka: lazily(startKafka) },
  }
  return {
    postgres: lazily(() => startPostgres({ fsync: true, settings: POSTGRES_SETTINGS })),
    mariadb: lazily(() => startMariaDb({ fsync: true, settings: MARIADB_SETTINGS })),
    redis,
    broker: (name) => brokers[name](),
    isInMemory: (server) => statfsSync(server.folder).type === TMPFS,
    async stop() {
      const servers = await Promise.allSettled(started)
      for (const server of servers) if (server.status === 'fulfilled') await server.value.stop()
    },
  }
}
