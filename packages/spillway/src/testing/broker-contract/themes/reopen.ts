// Reopen: queues outlive the handles, any number of them agree on the same ones, and what does not fit is said before anything is lost.

import { needsSpoiling, type Theme } from '../suite.js'

export const reopenTheme: Theme = {
  name: 'reopen',
  define({ test }) {
    test('finds what it kept when it is opened again', async (scene) => {
      const before = await scene.open()
      const ids = await scene.publishSome(before, 3)
      await before.close()
      scene.expect(await scene.leftOver(ids)).toEqual(ids)
    })

    test('opens queues that exist, while they are in use', async (scene) => {
      const broker = await scene.open()
      const consumer = await scene.consume(broker)
      await scene.publishSome(broker, 1)
      await consumer.received(1)
      await scene.open({ queues: ['main', 'new'] })
      await scene.publishSome(broker, 1)
      await consumer.received(2)
      scene.expect(new Set(consumer.ids).size).toBe(2)
    })

    test('is opened by many at once', async (scene) => {
      const queues = ['main', { name: 'ordered', partitions: 3 }]
      const brokers = await Promise.all([1, 2, 3, 4].map(() => scene.open({ queues })))
      for (const broker of brokers) await scene.publishSome(broker, 1)
      await (await scene.consume(brokers[0] as (typeof brokers)[0])).received(4)
    })

    test(
      'refuses queues that exist otherwise, and says so',
      async (scene) => {
        await scene.subject.spoil?.('main')
        const refused = await scene.open().then(
          () => null,
          (error: unknown) => error,
        )
        scene.expect(refused).toMatchObject({ name: 'SpillwayError', code: 'broker_incompatible' })
      },
      needsSpoiling,
    )

    test('says that the broker cannot be reached, and not how it was to be', async (scene) => {
      const broker = scene.subject.connectNowhere()
      const failed: unknown = await broker.open([{ name: 'main', partitions: null }]).then(
        () => null,
        (error: unknown) => error,
      )
      await broker.close()
      scene.expect(failed).toMatchObject({ name: 'SpillwayError', code: 'broker_unavailable' })
      scene.expect(/\/\/[^/]*:[^/]*@/.test(String(failed)), 'the message shows credentials').toBe(false)
    })
  },
}
