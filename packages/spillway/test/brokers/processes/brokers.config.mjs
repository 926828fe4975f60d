// The configuration of processes whose queues come from a broker, by themselves or from a journal. Every execution that commits leaves a row
// of its own that no key guards, so that a command that takes effect twice is two rows.

import { env, exit, stdin } from 'node:process'
import { defineCommand, defineConfig, journal } from 'spillway'
import { postgres } from 'spillway/postgres'
import { z } from 'zod'

/** Short, so that nobody waits long for a worker that was paused in its transaction. */
const IDLE_TRANSACTION_MS = 2_000

// A process does not outlive the test that started it, however that ended.
stdin.on('close', () => exit(1)).resume()
stdin.unref()

const {
  FAULTS_STORE_URL: storeUrl = '',
  FAULTS_BROKER_URL: brokerUrl = '',
  FAULTS_PREFIX: prefix = '',
  FAULTS_SPOOL: spool,
} = env

const { protocol, hostname, port } = new URL(brokerUrl)
/** Whoever is paused for three seconds has lost what it was delivered. */
const common = /** @type {const} */ ({
  prefix,
  publishTimeout: '1s',
  connectTimeout: '2s',
  reconnectDelay: '200ms',
})

// Each process is started many times, and loads no more than it needs.
/** @type {Readonly<Record<string, () => Promise<import('spillway').BrokerSpec>>>} */
const BROKERS = {
  async 'amqp:'() {
    const { rabbitmq } = await import('spillway/rabbitmq')
    return rabbitmq(brokerUrl, { ...common, heartbeat: '1s' })
  },
  async 'nats:'() {
    const { nats } = await import('spillway/nats')
    return nats(brokerUrl, { ...common, ackWait: '1s' })
  },
  async 'redis:'() {
    const { redis } = await import('spillway/redis')
    return redis(brokerUrl, { ...common, ackWait: '1s' })
  },
  async 'kafka:'() {
    const { kafka } = await import('spillway/kafka')
    // The cluster says that it is where it listens, not at the network that fails.
    const reach = () => ({ host: hostname, port: Number(port) })
    return kafka(brokerUrl, { ...common, session: '2s', partitions: 4, requestTimeout: '2s', reach })
  },
}
const broker = await BROKERS[protocol]?.()
if (broker === undefined) throw new Error(`no broker is reached by ${protocol}`)
const channel = spool === undefined ? broker : journal(spool, { to: broker })

const Identified = z.object({ id: z.string() })

const order = defineCommand({
  name: 'order',
  queue: 'orders',
  input: Identified,
  idempotencyKey: ({ id }) => id,
  settlement: 'transaction',
  handleBatch: write,
})
const click = defineCommand({
  name: 'click',
  queue: 'clicks',
  input: Identified,
  settlement: 'transaction',
  handleBatch: write,
})

/**
 * @param {readonly { readonly id: string }[]} payloads
 * @param {{ readonly tx: any, readonly commands: readonly { readonly id: string }[] }} context
 */
async function write(payloads, { tx, commands }) {
  const statement = 'insert into orders (command, id) select * from unnest($1::text[], $2::text[])'
  await tx.query(statement, [commands.map(({ id }) => id), payloads.map(({ id }) => id)])
}

export default defineConfig({
  store: postgres(storeUrl, { idleTransactionMs: IDLE_TRANSACTION_MS }),
  commands: [order, click],
  queues: { orders: { lease: '1s', channel }, clicks: { lease: '1s', channel } },
  worker: { closeTimeout: '1s' },
})
