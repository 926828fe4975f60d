// Crash: whoever goes away without a word about a message leaves it to others, and cannot speak for them later.

import type { Delivery } from '../../../ports/index.js'
import type { Suite, Theme } from '../suite.js'

export const crashTheme: Theme = {
  name: 'crash',
  define(suite) {
    leaving(suite)
    late(suite)
  },
}

function leaving({ test }: Suite): void {
  test('gives what a closed handle had in hand to others', async (scene) => {
    const broker = await scene.open()
    const ids = await scene.publishSome(broker, 5)
    const consumer = await scene.consume(broker)
    const [first] = await consumer.received(5)
    first?.ack()
    await broker.close()
    scene.expect(await scene.leftOver(ids.slice(1))).toEqual(ids.slice(1))
  })

  test('gives what a closed subscription had in hand to others', async (scene) => {
    const broker = await scene.open()
    const ids = await scene.publishSome(broker, 5)
    const consumer = await scene.consume(broker)
    const [first] = await consumer.received(5)
    first?.ack()
    await consumer.close()
    const next = await scene.consume(broker)
    await next.received(4)
    scene.expect(next.ids).toEqual(ids.slice(1))
    scene.expect(consumer.deliveries).toHaveLength(5)
  })

  test('leaves other subscriptions of the handle alone when one is closed', async (scene) => {
    const broker = await scene.open({ queues: ['main', 'other'] })
    const closed = await scene.consume(broker)
    const other = await scene.consume(broker, { queue: 'other' })
    await scene.publishSome(broker, 1, { queue: 'other' })
    const [held] = await other.received(1)
    await closed.close()
    held?.ack()
    await scene.publishSome(broker, 1, { queue: 'other' })
    await other.received(2)
    scene.expect(new Set(other.ids).size).toBe(2)
  })
}

function late({ test }: Suite): void {
  for (const way of ['ack', 'release', 'refuse'] as const) {
    test(`a late ${way} of who had it before does not count for who has it now`, async (scene) => {
      const [one, two] = await Promise.all([scene.open(), scene.open()])
      const [id] = await scene.publishSome(one, 1)
      const before = await scene.consume(one)
      const [old] = await before.received(1)
      await before.close()
      const now = await scene.consume(two)
      await now.received(1)
      if (way === 'refuse') (old as Delivery).refuse('too late')
      else old?.[way]()
      // Whatever went to the broker with that is there before this.
      await one.probe()
      await scene.publishSome(one, 1)
      await now.received(2)
      await two.close()
      scene.expect((await scene.leftOver([id as string])).filter((one) => one === id)).toEqual([id])
      const { refused } = await scene.stateOnce(one, () => true)
      scene.expect(refused === null || refused === 0).toBe(true)
    })
  }

  test('nothing of a closed subscription is ended by it', async (scene) => {
    const broker = await scene.open()
    const ids = await scene.publishSome(broker, 3)
    const closed = await scene.consume(broker)
    const deliveries = await closed.received(3)
    await closed.close()
    for (const delivery of deliveries) delivery.ack()
    await broker.probe()
    await broker.close()
    scene.expect(await scene.leftOver(ids)).toEqual(ids)
    // After the end of the handle as well.
    for (const delivery of deliveries) delivery.ack()
  })
}
