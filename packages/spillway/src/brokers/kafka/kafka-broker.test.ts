import { type PrivateServer, requireServer, startKafka } from 'spillway-test-bed'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Cluster } from '../../../test/brokers/kafka-cluster.js'
import type { Broker, Delivery, OutgoingMessage, Telemetry } from '../../ports/index.js'
import { brokerContract } from '../../testing/broker-contract/index.js'
import { FaultProxy } from '../../testing/fault-proxy/index.js'
import { machine } from '../driver/index.js'
import type { KafkaOptions } from './options.js'
import { Trimmer } from './trimmer.js'

requireServer(describe, 'kafka', { isPrivate: true })('the Kafka broker', () => {
  let server: PrivateServer
  let made = 0
  beforeAll(async () => {
    server = await startKafka()
  })
  afterAll(() => server.stop())

  brokerContract(
    {
      name: 'kafka',
      traits: { lanes: true },
      async make({ isFaulty }) {
        made += 1
        return new Cluster(server, `t${made}.`, isFaulty ? '1s' : PATIENT_SESSION)
      },
      server: () => server,
      proxy: () => FaultProxy.listen({ port: server.port }),
    },
    { describe, it, expect },
  )

  describe('as Kafka has it', () => {
    let scene: Cluster
    let brokers: Broker[]
    beforeEach(() => {
      made += 1
      scene = new Cluster(server, `t${made}.`, PATIENT_SESSION)
      brokers = []
    })
    afterEach(async () => {
      await Promise.all(brokers.map((broker) => broker.close()))
      await scene.dispose()
    })

    async function open(options: KafkaOptions = {}, telemetry?: Telemetry): Promise<Broker> {
      const broker = scene.connect({}, options)
      brokers.push(broker)
      await broker.open([{ name: 'main', partitions: null }], telemetry)
      return broker
    }

    it('gives what is in hand to whoever has its partition once the group has changed, and loses nothing', async () => {
      const [one, two] = [await open(), await open()]
      const sent = await send(one, 200)
      const held: Delivery[] = []
      const seen = new Set<string | null>()
      await one.subscribe({ queue: 'main', credit: 4, onDelivery: (delivery) => held.push(delivery) })
      await vi.waitFor(() => expect(held).toHaveLength(4), WAIT)
      const endAll = (delivery: Delivery): void => {
        seen.add(delivery.id)
        delivery.ack()
      }
      await two.subscribe({ queue: 'main', credit: 10, onDelivery: endAll })
      // The partitions that stay are read anew as well: what was in hand before is nobody's to end.
      await vi.waitFor(() => expect(held.length).toBeGreaterThan(4), WAIT)
      for (const delivery of held.splice(0, 4)) delivery.ack()
      const ending = setEnding(held, endAll)
      await vi.waitFor(() => {
        ending()
        expect(seen.size).toBe(200)
      }, WAIT)
      expect([...seen].sort()).toEqual(sent)
      await vi.waitFor(
        async () => expect(await one.state()).toMatchObject([{ waiting: 0, delivered: 0 }]),
        WAIT,
      )
    })

    it('gives partitions with a backlog the same share of the credit', async () => {
      const broker = await open()
      const sent = await send(broker, 80)
      const held: Delivery[] = []
      await broker.subscribe({ queue: 'main', credit: 8, onDelivery: (delivery) => held.push(delivery) })
      await vi.waitFor(() => expect(held).toHaveLength(8), WAIT)
      expect(held.map(({ id }) => id).sort()).toEqual(sent.slice(0, 8))
      for (let count = 9; count <= 80; count += 1) {
        held[count - 9]?.ack()
        await vi.waitFor(() => expect(held).toHaveLength(count), NEXT)
      }
      expect(held.map(({ id }) => id).sort()).toEqual(sent)
      // Nobody is two rounds ahead of another.
      const rounds = held.map(({ id }) => Math.floor(sent.indexOf(id as string) / 4))
      expect(rounds.every((round, at) => Math.abs(round - Math.floor(at / 4)) <= 2)).toBe(true)
    })

    it('keeps its partitions while a delivery takes longer than a session', async () => {
      const [slow, other] = [await open({ session: '2s' }), await open()]
      await send(slow, 2)
      const held: Delivery[] = []
      await slow.subscribe({ queue: 'main', credit: 1, onDelivery: (delivery) => held.push(delivery) })
      await vi.waitFor(() => expect(held).toHaveLength(1), WAIT)
      const silent = await FaultProxy.listen({ port: server.port })
      const unheard = scene.connect({ proxy: silent }, { publishTimeout: '4s' })
      brokers.push(unheard)
      await unheard.open([{ name: 'main', partitions: null }])
      silent.swallow()
      // Takes all of its deadline, which is two sessions.
      expect(await unheard.publish([message('late')])).toMatchObject([{ status: 'unknown' }])
      await silent.close()
      held[0]?.ack()
      await vi.waitFor(() => expect(held).toHaveLength(2), WAIT)
      held[1]?.ack()
      await vi.waitFor(async () => expect(await other.state()).toMatchObject([{ waiting: 0 }]), WAIT)
    })

    it('refuses a topic with fewer partitions than were asked for', async () => {
      await open()
      await expect(open({ partitions: 5 })).rejects.toMatchObject({ code: 'broker_incompatible' })
      await open({ partitions: 3 })
    })

    it('warns of a topic whose messages get too old', async () => {
      const configEntries = [{ name: 'retention.ms', value: '1000000' }]
      const topic = scene.names.topic('main')
      await scene.admin((admin) =>
        admin.createTopics({ topics: [{ topic, numPartitions: 4, configEntries }] }),
      )
      const told: string[] = []
      await open(
        {},
        { record: (event) => void told.push('error' in event ? String(event.error) : event.event) },
      )
      expect(told).toEqual([expect.stringContaining(`topic ${topic} has retention.ms`)])
    })

    it('takes messages that others sent, and is read by others', async () => {
      const broker = await open()
      const producer = scene.client.producer()
      await producer.connect()
      const headers = { ce_type: 'letter', 'Content-Type': 'application/json', 'x-list': ['a', 'b'] }
      const topic = scene.names.topic('main')
      await producer.send({ topic, messages: [{ key: 'k', value: null, headers }] })
      await producer.disconnect()
      const deliveries: Delivery[] = []
      await broker.subscribe({
        queue: 'main',
        credit: 1,
        onDelivery: (delivery) => deliveries.push(delivery),
      })
      await vi.waitFor(() => expect(deliveries).toHaveLength(1), WAIT)
      expect(deliveries[0]).toMatchObject({
        ...{ id: null, contentType: 'application/json', headers: { 'ce-type': 'letter', 'x-list': 'a' } },
        body: new Uint8Array(0),
      })
      await broker.publish([{ ...message('mine'), partition: 7, headers: { 'ce-type': 'letter' } }])
      const found = await scene.contents(topic)
      const mine = found.find(({ headers }) => String(headers?.['spillway-id']) === 'mine')
      expect([found.length, String(mine?.key)]).toEqual([2, '7'])
      expect(String(mine?.headers?.ce_type)).toBe('letter')
    })

    it('deletes what was settled, and nothing else', async () => {
      const broker = await open({ partitions: 1 })
      await send(broker, 5)
      const topic = scene.names.topic('main')
      const due: (() => void)[] = []
      const schedule = (_: number, run: () => void): (() => void) => {
        due.push(run)
        return () => {}
      }
      const trimmed = new Promise<void>((resolve) => {
        const trimmer = new Trimmer({
          machine: { ...machine, schedule },
          isOn: true,
          run: (work) => scene.admin(work).finally(resolve),
        })
        trimmer.note(topic, 0, 2)
        trimmer.note(topic, 0, 3)
      })
      expect(due).toHaveLength(1)
      due[0]?.()
      await trimmed
      const offsets = await scene.admin((admin) => admin.fetchTopicOffsets(topic))
      expect(offsets).toMatchObject([{ low: '3', high: '5' }])
    })
  })
})

const WAIT = { timeout: 20_000 }
const NEXT = { timeout: 20_000, interval: 1 }
/** Nobody loses partitions to a machine that is busy for a few seconds. */
const PATIENT_SESSION = '6s'

function message(id: string): OutgoingMessage {
  return { id, queue: 'main', partition: null, contentType: 'text/plain', body: new Uint8Array(10) }
}

/** Over all partitions; answers the ids in order. */
async function send(broker: Broker, count: number): Promise<readonly string[]> {
  const messages = Array.from({ length: count }, (_, at) => ({
    ...message(`m${String(at).padStart(4, '0')}`),
    partition: at,
  }))
  const verdicts = await broker.publish(messages)
  expect(verdicts.every(({ status }) => status === 'confirmed')).toBe(true)
  return messages.map(({ id }) => id)
}

/** Ends everything held now, each time it is called. */
function setEnding(held: Delivery[], end: (delivery: Delivery) => void): () => void {
  return () => {
    for (const delivery of held.splice(0)) end(delivery)
  }
}
