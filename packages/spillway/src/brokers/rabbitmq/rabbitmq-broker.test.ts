// RabbitMQ passes the contract of all brokers, on a real server, under names of its own each time.

import { type ConfirmChannel, connect } from 'amqplib'
import { type RabbitMqServer, requireServer, startRabbitMq } from 'spillway-test-bed'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Delivery, TelemetryEvent } from '../../ports/index.js'
import {
  type BrokerUnderTest,
  brokerContract,
  type RefusedMessage,
} from '../../testing/broker-contract/index.js'
import { FaultProxy } from '../../testing/fault-proxy/index.js'
import { rabbitmq } from './index.js'
import { namesOf } from './names.js'

/** Far longer than anything takes but a hang. */
const PATIENCE = { timeout: 20_000 }

requireServer(describe, 'rabbitmq', { isPrivate: true })('the RabbitMQ broker', () => {
  let server: RabbitMqServer
  let made = 0
  beforeAll(async () => {
    server = await startRabbitMq()
  })
  afterAll(() => server.stop())

  function make(): BrokerUnderTest {
    made += 1
    const prefix = `test-${made}.`
    const names = namesOf(prefix)
    const used = new Set<string>()
    return {
      connect({ proxy, isHasty = false } = {}) {
        const { broker } = rabbitmq(server.url.replace(/\d+$/, String(proxy?.port ?? server.port)), {
          ...{ prefix, reconnectDelay: 50 },
          ...(isHasty ? { publishTimeout: 700, connectTimeout: '2s' } : { connectTimeout: '20s' }),
        })
        return Object.assign(broker, { open: noting(used, broker.open.bind(broker)) })
      },
      connectNowhere: () => rabbitmq('amqp://user:secret@127.0.0.1:1', { prefix }).broker,
      spoil: (queue) =>
        onServer(server, async (channel) => void (await channel.assertQueue(names.queue(queue)))),
      remove: (queue) =>
        onServer(server, async (channel) => void (await channel.deleteQueue(names.queue(queue)))),
      refused: (queue) => onServer(server, (channel) => allOf(channel, names.refused(queue))),
      dispose: () =>
        onServer(server, async (channel) => {
          for (const queue of used)
            for (const name of [names.queue(queue), names.refused(queue)]) await channel.deleteQueue(name)
        }),
    }
  }

  brokerContract(
    {
      name: 'rabbitmq',
      make: async () => make(),
      server: () => server,
      proxy: () => FaultProxy.listen({ port: server.port }),
    },
    { describe, it, expect },
  )

  it('takes nothing while the server is full, holds nothing against it, and goes on', async () => {
    const events: TelemetryEvent[] = []
    const { broker } = rabbitmq(server.url, { prefix: 'full.', publishTimeout: 500 })
    onTestFinished(() => broker.close())
    await broker.open([{ name: 'main', partitions: null }], { record: (event) => events.push(event) })
    const delivered: Delivery[] = []
    await broker.subscribe({
      queue: 'main',
      credit: 1,
      onDelivery: (delivery) => void delivered.push(delivery),
    })
    const publish = async (id: string) =>
      (
        await broker.publish([
          { ...{ id, queue: 'main', partition: null }, contentType: 'a/b', body: Buffer.from('x') },
        ])
      )[0]
    await vi.waitFor(async () => expect(await publish('1')).toEqual({ status: 'confirmed' }), PATIENCE)
    await server.block()
    // The server says so to who publishes; one that is busy may say it when that was given up, and its connection with it.
    await vi.waitFor(async () => {
      expect(await publish('2')).toMatchObject({ status: 'unknown', error: { code: 'broker_unavailable' } })
      await expect(broker.probe()).rejects.toThrow('short of memory or disk')
    }, PATIENCE)
    expect(await publish('3')).toMatchObject({ status: 'unknown' })
    // Acknowledgements take another connection, and arrive.
    await vi.waitFor(() => expect(delivered).toHaveLength(1), PATIENCE)
    delivered[0]?.ack()
    await server.unblock()
    await vi.waitFor(async () => expect(await publish('4')).toEqual({ status: 'confirmed' }), PATIENCE)
    await vi.waitFor(() => expect(delivered.length).toBeGreaterThan(1), PATIENCE)
    await broker.probe()
    expect(events).toContainEqual(
      expect.objectContaining({
        ...{ event: 'fault', where: 'broker.rabbitmq' },
        error: expect.objectContaining({ message: expect.stringContaining('takes nothing at the moment') }),
      }),
    )
  })
})

type Open = BrokerUnderTest['connect'] extends (...options: never[]) => infer Handle
  ? Handle extends { open: infer Method }
    ? Method
    : never
  : never

/** Queues have to be removed one by one. */
function noting(used: Set<string>, open: Open): Open {
  return (queues, telemetry) => {
    for (const { name } of queues) used.add(name)
    return open(queues, telemetry)
  }
}

async function onServer<Result>(
  server: RabbitMqServer,
  work: (channel: ConfirmChannel) => Promise<Result>,
): Promise<Result> {
  const connection = await connect(server.url)
  try {
    return await work(await connection.createConfirmChannel())
  } finally {
    await connection.close()
  }
}

async function allOf(channel: ConfirmChannel, queue: string): Promise<readonly RefusedMessage[]> {
  const all: RefusedMessage[] = []
  for (;;) {
    const message = await channel.get(queue)
    if (message === false) return all
    const { messageId = null, headers } = message.properties
    all.push({ id: messageId, reason: headers?.['spillway-reason'] ?? null, body: message.content })
  }
}
