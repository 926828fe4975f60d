// Servers of the demo's own, to be killed: private instances on a loopback port that end with the demo. A broker that was given by its
// URL is used as it is and left alive.

import type { PrivateServer } from 'spillway-test-bed'
import type { BrokerName } from './patterns/index.js'
import { type Engine, type Places, placesOn } from './storage/index.js'

export interface RunningBroker {
  readonly url: string
  /** Null when it is somebody else's. */
  readonly server: PrivateServer | null
}

export interface RunningDatabase {
  readonly server: PrivateServer
  readonly places: Places
}

export type BrokerUrls = ReadonlyMap<BrokerName, string>

const START: Readonly<Record<BrokerName, () => Promise<PrivateServer>>> = {
  rabbitmq: async () => (await testBed()).startRabbitMq(),
  nats: async () => (await testBed()).startNats(),
  kafka: async () => (await testBed()).startKafka(),
  // Without these Redis keeps what it confirmed in memory alone.
  redis: async () => (await testBed()).startRedis({ settings: { appendonly: 'yes', appendfsync: 'always' } }),
}

/** Loaded only where something is to be started, with the clients of all databases. */
function testBed(): Promise<typeof import('spillway-test-bed')> {
  return import('spillway-test-bed')
}

const running = new Set<PrivateServer>()

/** Why a broker cannot be had, with what to do; null when it can. */
export async function missingBroker(name: BrokerName, given: BrokerUrls): Promise<string | null> {
  return given.has(name) ? null : (await testBed()).missingServer(name)
}

export async function startBroker(name: BrokerName, given: BrokerUrls): Promise<RunningBroker> {
  const url = given.get(name)
  if (url !== undefined) return { url, server: null }
  const server = await started(START[name]())
  return { url: server.url, server }
}

/** A database server of the kind that the demo is on, PostgreSQL for SQLite, which is no server; null when it is not installed. */
export async function startDatabase(engine: Engine, run: string): Promise<RunningDatabase | null> {
  const { missingServer, startMariaDb, startPostgres } = await testBed()
  const isMysql = engine === 'mysql'
  if (missingServer(isMysql ? 'mariadb' : 'postgres') !== null) return null
  const server = await started(isMysql ? startMariaDb() : startPostgres())
  return { server, places: await placesOn(server.url, run) }
}

export async function stopServer(server: PrivateServer): Promise<void> {
  running.delete(server)
  await server.stop()
}

/** For the end of the program, whatever the reason. */
export async function stopServers(): Promise<void> {
  for (const server of [...running]) await stopServer(server)
}

async function started(starting: Promise<PrivateServer>): Promise<PrivateServer> {
  const server = await starting
  running.add(server)
  return server
}
