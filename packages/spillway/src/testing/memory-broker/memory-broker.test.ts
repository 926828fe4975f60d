import { describe, expect, it } from 'vitest'
import type { Delivery, OutgoingMessage, PublishVerdict } from '../../ports/index.js'
import { VirtualClock } from '../virtual-clock.js'
import { MemoryBroker, type MemoryBrokerOptions, MemoryBrokerServer } from './index.js'

async function setUp(options: Omit<MemoryBrokerOptions, 'clock'> = {}) {
  const clock = new VirtualClock()
  const events: string[] = []
  const server = new MemoryBrokerServer({
    onEvent: ({ what, id }) => void events.push(`${what} ${id}`),
    ...options,
    clock,
  })
  const broker = new MemoryBroker(server)
  void broker.open([{ name: 'q', partitions: null }])
  await clock.advance(0)
  const deliveries: Delivery[] = []
  return {
    ...{ clock, server, broker, events, deliveries },
    async subscribe(credit = 10): Promise<void> {
      await broker.subscribe({ queue: 'q', credit, onDelivery: (delivery) => void deliveries.push(delivery) })
      await clock.advance(0)
    },
    /** The verdict on each, once there is one. */
    publish(...ids: string[]): (PublishVerdict['status'] | null)[] {
      const verdicts = ids.map(() => null as PublishVerdict['status'] | null)
      void broker.publish(ids.map(message)).then((answers) => {
        for (const [at, { status }] of answers.entries()) verdicts[at] = status
      })
      return verdicts
    },
  }
}

function message(id: string): OutgoingMessage {
  return { id, queue: 'q', partition: null, contentType: 'text/plain', body: new Uint8Array(1) }
}

describe('the server of the memory broker', () => {
  it('that is killed keeps what it had, delivers it again, and what was on its way arrived or not', async () => {
    const draws = [0.9, 0.1]
    const { clock, server, deliveries, publish, subscribe } = await setUp({
      random: () => draws.shift() ?? 0,
    })
    publish('a')
    await clock.advance(0)
    await subscribe()
    const verdicts = publish('b', 'c')
    server.kill()
    await clock.advance(0)
    expect(verdicts).toEqual(['unknown', 'unknown'])
    expect(publish('d')).toEqual([null])
    deliveries[0]?.ack()
    server.restart()
    await clock.advance(0)
    expect(deliveries.map(({ id, redelivered }) => [id, redelivered])).toEqual([
      ['a', false],
      ['a', true],
      ['c', false],
    ])
  })

  it('that stands still answers nothing until the deadline, and goes on with what it was sent', async () => {
    const { clock, server, broker, publish } = await setUp({ confirmTimeoutMs: 1_000 })
    server.pause()
    const verdicts = publish('a')
    const probe = broker.probe().then(
      () => 'there',
      ({ code }) => code,
    )
    await clock.advance(999)
    expect(verdicts).toEqual([null])
    await clock.advance(1)
    expect(verdicts).toEqual(['unknown'])
    expect(await probe).toBe('broker_unavailable')
    const late = publish('b')
    server.resume()
    await clock.advance(0)
    expect(late).toEqual(['confirmed'])
    expect(server.waiting('q').map(({ id }) => id)).toEqual(['a', 'b'])
  })

  it('refuses, keeps silent and doubles on demand', async () => {
    const { clock, server, publish, events } = await setUp({ confirmTimeoutMs: 1_000 })
    server.refuse('no more today')
    const refused = publish('a')
    await clock.advance(0)
    expect(refused).toEqual(['refused'])
    server.refuse(null)
    server.loseConfirms(1)
    server.duplicateNext(1)
    const verdicts = publish('b', 'c')
    await clock.advance(1_000)
    expect(verdicts).toEqual(['unknown', 'confirmed'])
    expect(server.waiting('q').map(({ id }) => id)).toEqual(['b', 'b', 'c'])
    expect(events).toEqual(['published b', 'published c'])
  })

  it('is full at its limit, until something is acknowledged', async () => {
    const { clock, publish, subscribe, deliveries } = await setUp({ queueMessagesMax: 2 })
    const verdicts = publish('a', 'b', 'c')
    await clock.advance(0)
    expect(verdicts).toEqual(['confirmed', 'confirmed', 'unknown'])
    await subscribe()
    deliveries[0]?.ack()
    const again = publish('c')
    await clock.advance(0)
    expect(again).toEqual(['confirmed'])
  })

  it('takes the time that it is given each way', async () => {
    const { clock, publish } = await setUp({ latencyMs: 10 })
    await clock.advance(100)
    const verdicts = publish('a')
    await clock.advance(19)
    expect(verdicts).toEqual([null])
    await clock.advance(1)
    expect(verdicts).toEqual(['confirmed'])
  })

  it('hears nothing of a delivery over a connection that was cut', async () => {
    const { clock, server, broker, publish, subscribe, deliveries, events } = await setUp()
    publish('a')
    await subscribe(1)
    server.cut(broker)
    await clock.advance(0)
    deliveries[0]?.ack()
    await clock.advance(0)
    expect(events.filter((event) => event.startsWith('acked'))).toEqual([])
    deliveries[1]?.refuse('bad')
    await clock.advance(0)
    expect(server.refused('q')).toMatchObject([{ reason: 'bad' }])
  })
})
