// Deliver: each message to one consumer, once as long as nobody crashes, and never more at a time than it asked for.

import type { Delivery } from '../../../ports/index.js'
import { needsSingles, type Suite, type Theme } from '../suite.js'

export const deliverTheme: Theme = {
  name: 'deliver',
  define(suite) {
    once(suite)
    crediting(suite)
    sharing(suite)
  },
}

function once({ test }: Suite): void {
  test('delivers each message once, not as a redelivery', async (scene) => {
    const broker = await scene.open()
    const consumer = await scene.consume(broker, { each: (delivery) => delivery.ack() })
    const ids = await scene.publishSome(broker, 50)
    await consumer.received(50)
    await broker.close()
    scene.expect(await scene.leftOver()).toEqual([])
    scene.expect(consumer.ids).toEqual(ids)
    scene.expect(consumer.deliveries.some(({ redelivered }) => redelivered)).toBe(false)
  })

  test('delivers nothing of other queues', async (scene) => {
    const broker = await scene.open({ queues: ['main', 'other'] })
    const consumer = await scene.consume(broker)
    await scene.publishSome(broker, 3, { queue: 'other' })
    const [id] = await scene.publishSome(broker, 1)
    await consumer.received(1)
    scene.expect(consumer.ids).toEqual([id])
  })

  test('does not consume a queue it was not opened with', async (scene) => {
    const broker = await scene.open()
    const refused = await scene.consume(broker, { queue: 'other' }).then(
      () => null,
      (error: unknown) => error,
    )
    scene.expect(refused).toMatchObject({ code: 'invalid_argument' })
  })
}

function crediting({ test }: Suite): void {
  test('hands out no more than the credit', async (scene) => {
    const broker = await scene.open()
    const credit = 3
    const held: Delivery[] = []
    let heldMax = 0
    const consumer = await scene.consume(broker, {
      credit,
      each(delivery) {
        held.push(delivery)
        heldMax = Math.max(heldMax, held.length)
        // What comes too early comes before these acknowledgements have gone to the broker and back.
        if (held.length === credit) for (const one of held.splice(0)) one.ack()
      },
    })
    await scene.publishSome(broker, 30)
    await consumer.received(30)
    scene.expect(heldMax).toBe(credit)
  })

  test('hands out the next when one is acknowledged', async (scene) => {
    const broker = await scene.open()
    await scene.publishSome(broker, 4)
    const consumer = await scene.consume(broker, { credit: 2 })
    const [first] = await consumer.received(2)
    await broker.probe()
    await broker.state()
    scene.expect(consumer.deliveries).toHaveLength(2)
    first?.ack()
    await consumer.received(3)
    await broker.probe()
    scene.expect(consumer.deliveries).toHaveLength(3)
  })

  test('counts the credit of each subscription by itself', async (scene) => {
    const broker = await scene.open({ queues: ['main', 'other'] })
    await scene.publishSome(broker, 2)
    await scene.publishSome(broker, 2, { queue: 'other' })
    const main = await scene.consume(broker, { credit: 1 })
    const other = await scene.consume(broker, { queue: 'other', credit: 2 })
    await Promise.all([main.received(1), other.received(2)])
    await broker.probe()
    scene.expect(main.deliveries).toHaveLength(1)
  })
}

function sharing({ test }: Suite): void {
  test('gives each message to one of several consumers', async (scene) => {
    const [one, two] = await Promise.all([scene.open(), scene.open()])
    const all = new Set<string | null>()
    let delivered = 0
    let everything = (): void => {}
    const isAll = new Promise<void>((resolve) => {
      everything = resolve
    })
    const each = (delivery: Delivery): void => {
      all.add(delivery.id)
      delivered += 1
      delivery.ack()
      if (all.size === 40) everything()
    }
    await scene.consume(one, { credit: 2, each })
    await scene.consume(two, { credit: 2, each })
    await scene.publishSome(one, 40)
    await isAll
    await Promise.all([one.close(), two.close()])
    scene.expect(await scene.leftOver()).toEqual([])
    scene.expect(delivered).toBe(40)
  })

  test(
    'gives a consumer what another one has no credit for',
    async (scene) => {
      const [slow, quick] = await Promise.all([scene.open(), scene.open()])
      const stuck = await scene.consume(slow, { credit: 1 })
      await scene.publishSome(quick, 1)
      await stuck.received(1)
      const ids = await scene.publishSome(quick, 5)
      const other = await scene.consume(quick, { credit: 1, each: (delivery) => delivery.ack() })
      await other.received(5)
      scene.expect(other.ids).toEqual(ids)
      scene.expect(stuck.deliveries).toHaveLength(1)
    },
    needsSingles,
  )
}
