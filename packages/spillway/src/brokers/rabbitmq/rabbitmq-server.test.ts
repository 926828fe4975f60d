// What only RabbitMQ does: other people's messages and queues, users with few rights, queues that are removed, and servers that are full.

import { type ConfirmChannel, connect } from 'amqplib'
import { requireServer, sharedRabbitMq } from 'spillway-test-bed'
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { Broker, BrokerQueue, Delivery, OutgoingMessage, TelemetryEvent } from '../../ports/index.js'
import { rabbitmq } from './index.js'

/** Far longer than anything takes but a hang. */
const PATIENCE = { timeout: 20_000 }

requireServer(describe, 'rabbitmq', { isPrivate: true })('a RabbitMQ server', () => {
  let url: string
  let prefix: string
  let channel: ConfirmChannel
  let tests = 0
  const names = (): readonly string[] => ['main', 'main:refused', 'ordered', 'ordered:refused']
  beforeAll(async () => {
    url = await sharedRabbitMq()
  })
  beforeEach(async () => {
    tests += 1
    prefix = `server-${tests}.`
    const connection = await connect(url)
    channel = await connection.createConfirmChannel()
    channel.on('error', () => {})
    onTestFinished(() => connection.close().catch(() => {}))
  })
  afterEach(async () => {
    for (const name of names()) await channel.deleteQueue(`${prefix}${name}`)
  })

  async function open(queues: readonly BrokerQueue[] = [MAIN], at = url): Promise<Opened> {
    const { broker } = rabbitmq(at, { prefix, reconnectDelay: 50, connectTimeout: '20s' })
    onTestFinished(() => broker.close())
    const events: TelemetryEvent[] = []
    await broker.open(queues, { record: (event) => events.push(event) })
    return { broker, events }
  }

  it('delivers messages of others, with or without an id', async () => {
    const { broker } = await open()
    const headers = { count: 3, 'is-new': true, nested: { a: 1 }, text: 'yes' }
    channel.sendToQueue(`${prefix}main`, Buffer.from('foreign'), { headers })
    const [delivery] = await deliveries(broker, 1)
    expect(delivery).toMatchObject({
      ...{ id: null, contentType: null, headers: { count: '3', 'is-new': 'true', text: 'yes' } },
    })
    expect(delivery?.headers).not.toHaveProperty('nested')
  })

  it('keeps a refused message of others as it was, with the reason', async () => {
    const { broker } = await open()
    channel.sendToQueue(`${prefix}main`, Buffer.from('?'), {
      headers: { 'their-own': 'x' },
      contentType: 'a/b',
    })
    const [delivery] = await deliveries(broker, 1)
    delivery?.refuse('not a chunk')
    await broker.close()
    const kept = await channel.get(`${prefix}main:refused`)
    expect(kept).toMatchObject({
      content: Buffer.from('?'),
      properties: { contentType: 'a/b', headers: { 'their-own': 'x', 'spillway-reason': 'not a chunk' } },
    })
  })

  it('does not show what the server wrote into the headers of a message that comes again', async () => {
    const { broker } = await open()
    await broker.publish([message('1', { headers: { 'x-mine': 'kept' } })])
    const twice = await deliveries(broker, 2, (delivery) => delivery.release())
    expect(twice.map(({ headers }) => headers)).toEqual([{ 'x-mine': 'kept' }, { 'x-mine': 'kept' }])
  })

  it('has queues that lose nothing', async () => {
    await open([MAIN, ORDERED])
    await expect(
      channel.assertQueue(`${prefix}main`, {
        arguments: {
          ...{ 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000, 'x-overflow': 'reject-publish' },
          ...{ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': `${prefix}main:refused` },
          'x-dead-letter-strategy': 'at-least-once',
        },
      }),
    ).resolves.toMatchObject({ messageCount: 0 })
  })

  it('keeps what the server itself gives up on', async () => {
    const { broker } = await open()
    await broker.publish([message('1')])
    const given = await channel.get(`${prefix}main`)
    if (given !== false) channel.nack(given, false, false)
    await broker.publish([message('2')])
    await deliveries(broker, 1)
    await expect.poll(async () => (await broker.state())[0]?.refused, PATIENCE).toBe(1)
  })

  it('does not have an ordered queue and one that is not by the same name', async () => {
    await open([{ name: 'main', partitions: 4 }])
    await expect(open([MAIN])).rejects.toMatchObject({
      ...{
        code: 'broker_incompatible',
        message: expect.stringMatching(/x-single-active-consumer.*drain and delete/),
      },
    })
  })

  it('says why it does not let somebody in, and not with what', async () => {
    const wrong = url.replace(/:[^:@]+@/, ':wr0ng-secret@')
    const refusal = await open([MAIN], wrong).catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      code: 'broker_unavailable',
      message: expect.stringContaining('check user, password'),
    })
    expect(JSON.stringify([refusal, String(refusal), String((refusal as Error).cause)])).not.toContain(
      'wr0ng',
    )
    await expect(open([MAIN], `${url}/nowhere`)).rejects.toMatchObject({
      ...{ code: 'broker_unavailable', message: expect.stringContaining('vhost') },
    })
  })

  it('is asked in turn with the others of its cluster', async () => {
    const { broker } = rabbitmq(['amqp://127.0.0.1:1', url], { prefix })
    onTestFinished(() => broker.close())
    await expect(broker.open([MAIN])).rejects.toMatchObject({ code: 'broker_unavailable' })
    await broker.open([MAIN])
    expect(await broker.publish([message('1')])).toEqual([{ status: 'confirmed' }])
  })

  it('gets a queue back that was removed, and deliveries go on', async () => {
    const { broker, events } = await open()
    const ids: (string | null)[] = []
    let next = (): void => {}
    await broker.subscribe({
      ...{ queue: 'main', credit: 10 },
      onDelivery(delivery) {
        ids.push(delivery.id)
        delivery.ack()
        next()
      },
    })
    await channel.deleteQueue(`${prefix}main`)
    const delivered = new Promise<void>((resolve) => {
      next = resolve
    })
    await expect
      .poll(async () => (await broker.publish([message('1')]))[0]?.status, PATIENCE)
      .toBe('confirmed')
    await delivered
    expect(new Set(ids)).toEqual(new Set(['1']))
    expect(events.map(({ event }) => event)).toContain('fault')
  })

  it('is told of a delivery that its consumer throws at, and goes on', async () => {
    const { broker, events } = await open()
    await broker.publish([message('1'), message('2')])
    const thrown = new Error('a mistake of the consumer')
    await deliveries(broker, 2, (delivery) => {
      if (delivery.id === '1') throw thrown
    })
    expect(events).toContainEqual({ event: 'fault', where: 'broker.rabbitmq', error: thrown })
  })

  it('refuses an id that does not fit into the protocol, by itself', async () => {
    const { broker } = await open()
    const verdicts = await broker.publish([message('x'.repeat(256)), message('1')])
    expect(verdicts).toMatchObject([
      { status: 'refused', error: { code: 'invalid_argument' } },
      { status: 'confirmed' },
    ])
    expect(await broker.publish([message('2', { headers: { long: 'x'.repeat(70_000) } })])).toMatchObject([
      { status: 'refused', error: { code: 'invalid_argument' } },
    ])
    expect(await broker.publish([message('3')])).toEqual([{ status: 'confirmed' }])
  })
})

interface Opened {
  readonly broker: Broker
  readonly events: readonly TelemetryEvent[]
}

const MAIN: BrokerQueue = { name: 'main', partitions: null }
const ORDERED: BrokerQueue = { name: 'ordered', partitions: 4 }

function message(id: string, options: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id,
    queue: 'main',
    partition: null,
    contentType: 'text/plain',
    body: Buffer.from('a body'),
    ...options,
  }
}

/** The first `count` deliveries, kept in hand unless `each` ends them. */
function deliveries(
  broker: Broker,
  count: number,
  each: (delivery: Delivery) => void = () => {},
): Promise<readonly Delivery[]> {
  return new Promise((resolve, reject) => {
    const all: Delivery[] = []
    const onDelivery = (delivery: Delivery): void => {
      all.push(delivery)
      if (all.length === count) resolve(all)
      each(delivery)
    }
    broker.subscribe({ queue: 'main', credit: 10, onDelivery }).catch(reject)
  })
}
