// End: ack, release and refuse. One of them ends a delivery, and whatever is said after that changes nothing.

import type { Delivery } from '../../../ports/index.js'
import type { Scene } from '../scene.js'
import { needsSingles, type Suite, type Theme } from '../suite.js'

export const endTheme: Theme = {
  name: 'end',
  define(suite) {
    acknowledging(suite)
    releasing(suite)
    refusing(suite)
    twice(suite)
  },
}

/** Above the delivery limits that brokers come with: nothing may be dropped for being given back often. */
const RELEASES = 25

function acknowledging({ test }: Suite): void {
  test('delivers what was acknowledged to nobody else', async (scene) => {
    const broker = await scene.open()
    await scene.publishSome(broker, 10)
    const consumer = await scene.consume(broker, { each: (delivery) => delivery.ack() })
    await consumer.received(10)
    await broker.close()
    scene.expect(await scene.leftOver()).toEqual([])
  })

  test('knows which were acknowledged when they were in any order', async (scene) => {
    const broker = await scene.open()
    const ids = await scene.publishSome(broker, 6)
    const consumer = await scene.consume(broker)
    const deliveries = await consumer.received(6)
    for (const at of [4, 0, 2]) deliveries[at]?.ack()
    await broker.close()
    const open = [1, 3, 5].map((at) => ids[at] as string)
    const left = await scene.leftOver(open)
    // What was acknowledged up to the first gap is gone everywhere.
    scene.expect(left.includes(ids[0] as string)).toBe(false)
    if (scene.traits.lanes !== true) scene.expect(left).toEqual(open)
  })
}

function releasing({ test }: Suite): void {
  test('delivers again what was released', async (scene) => {
    const broker = await scene.open()
    const [id] = await scene.publishSome(broker, 1)
    const consumer = await scene.consume(broker)
    const [first] = await consumer.received(1)
    first?.release()
    const again = await consumer.receivedAgain(id as string, 1)
    scene.expect(again.body).toEqual(first?.body)
    again.ack()
    await broker.close()
    scene.expect(await scene.leftOver()).toEqual([])
  })

  test(
    'gives what was released to others',
    async (scene) => {
      const [one, two] = await Promise.all([scene.open(), scene.open()])
      const [id] = await scene.publishSome(one, 1)
      const first = await scene.consume(one, { credit: 1 })
      const [delivery] = await first.received(1)
      const second = await scene.consume(two)
      delivery?.release()
      await first.close()
      await second.receivedAll([id as string])
    },
    needsSingles,
  )

  test(`drops nothing that was released ${RELEASES} times`, async (scene) => {
    const broker = await scene.open()
    const [id] = await scene.publishSome(broker, 1)
    let left = RELEASES
    const each = (delivery: Delivery): void => {
      if (left > 0) delivery.release()
      else delivery.ack()
      left -= 1
    }
    const consumer = await scene.consume(broker, { each })
    await consumer.received(RELEASES + 1)
    scene.expect(new Set(consumer.ids)).toEqual(new Set([id]))
  })
}

function refusing({ test }: Suite): void {
  test('keeps what was refused, counts it and does not deliver it again', async (scene) => {
    const broker = await scene.open()
    const [bad] = await scene.publishSome(broker, 2)
    const consumer = await scene.consume(broker)
    const [first, second] = await consumer.received(2)
    first?.refuse('the envelope has no three lines')
    second?.ack()
    const { refused } = await scene.stateOnce(broker, (state) => state.refused !== 0)
    scene
      .expect(refused === null || refused === 1, `one refused message is counted, not ${refused}`)
      .toBe(true)
    await broker.close()
    scene.expect(await scene.leftOver()).toEqual([])
    await expectRefused(scene, bad as string, 'the envelope has no three lines')
  })

  test('refuses for any reason, however long', async (scene) => {
    const broker = await scene.open()
    const [bad] = await scene.publishSome(broker, 1)
    const reason = `nobody can read it\r\n\u0000: "手紙" ${'x'.repeat(100_000)}`
    const [delivery] = await (await scene.consume(broker)).received(1)
    delivery?.refuse(reason)
    await scene.stateOnce(broker, (state) => state.refused !== 0)
    await broker.close()
    scene.expect(await scene.leftOver()).toEqual([])
    await expectRefused(scene, bad as string, 'nobody can read it')
  })
}

function twice({ test }: Suite): void {
  const ways = ['ack', 'release', 'refuse'] as const
  for (const later of ways) {
    test(`an acknowledged delivery is not ended again by ${later}`, async (scene) => {
      const broker = await scene.open()
      await scene.publishSome(broker, 1)
      const consumer = await scene.consume(broker)
      const [delivery] = await consumer.received(1)
      delivery?.ack()
      end(delivery as Delivery, later)
      end(delivery as Delivery, later)
      const [next] = await scene.publishSome(broker, 1)
      await consumer.received(2)
      scene.expect(consumer.ids[1]).toBe(next)
      consumer.deliveries[1]?.ack()
      const { refused } = await scene.stateOnce(broker, () => true)
      scene.expect(refused === null || refused === 0).toBe(true)
      await broker.close()
      scene.expect(await scene.leftOver()).toEqual([])
    })
  }

  test('a released delivery is not ended again', async (scene) => {
    const broker = await scene.open()
    const [id] = await scene.publishSome(broker, 1)
    const consumer = await scene.consume(broker)
    const [first] = await consumer.received(1)
    first?.release()
    first?.ack()
    first?.release()
    await consumer.receivedAgain(id as string, 1)
    first?.ack()
    await broker.close()
    scene.expect(await scene.leftOver([id as string])).toEqual([id])
  })

  test('a refused delivery is not ended again', async (scene) => {
    const broker = await scene.open()
    await scene.publishSome(broker, 1)
    const consumer = await scene.consume(broker)
    const [delivery] = await consumer.received(1)
    delivery?.refuse('once')
    delivery?.release()
    delivery?.refuse('twice')
    const { refused } = await scene.stateOnce(broker, (state) => state.refused !== 0)
    scene.expect(refused === null || refused === 1).toBe(true)
    await broker.close()
    scene.expect(await scene.leftOver()).toEqual([])
  })
}

function end(delivery: Delivery, way: 'ack' | 'release' | 'refuse'): void {
  if (way === 'refuse') delivery.refuse('too late')
  else delivery[way]()
}

async function expectRefused(scene: Scene, id: string, reason: string): Promise<void> {
  if (scene.subject.refused === undefined) return
  const refused = await scene.subject.refused('main')
  scene.expect(refused.map((message) => message.id)).toEqual([id])
  scene.expect(refused[0]?.reason?.startsWith(reason), `the reason is kept: ${reason}`).toBe(true)
}
