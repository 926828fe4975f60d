// Close: whoever waits for a verdict gets it, and nothing is taken afterwards.

import type { Theme } from '../suite.js'

export const closeTheme: Theme = {
  name: 'close',
  define({ test }) {
    test('gives publishes under way their verdict', async (scene) => {
      const broker = await scene.open()
      const messages = scene.messages(50)
      const publishing = Promise.all(messages.map((message) => scene.publishOne(broker, message)))
      await broker.close()
      const verdicts = await publishing
      const confirmed = messages.filter((_, at) => verdicts[at]?.status === 'confirmed').map(({ id }) => id)
      scene.expect(confirmed.length, 'the broker was there: it has confirmed them').toBe(50)
      await scene.leftOver(confirmed)
    })

    test('takes nothing more', async (scene) => {
      const broker = await scene.open()
      await broker.close()
      scene.expect((await scene.publishOne(broker, scene.message())).status).not.toBe('confirmed')
      const refusals = await Promise.all(
        [() => scene.consume(broker), () => broker.probe()].map((call) =>
          call().then(
            () => null,
            (error: unknown) => error,
          ),
        ),
      )
      for (const refusal of refusals) scene.expect(refusal).toMatchObject({ name: 'SpillwayError' })
    })

    test('delivers nothing more', async (scene) => {
      const [one, two] = await Promise.all([scene.open(), scene.open()])
      const consumer = await scene.consume(one)
      await one.close()
      const ids = await scene.publishSome(two, 3)
      scene.expect(await scene.leftOver(ids)).toEqual(ids)
      scene.expect(consumer.deliveries).toEqual([])
    })

    test('can be closed twice, before it was opened, and at once', async (scene) => {
      await scene.connect().close()
      const broker = await scene.open()
      const consumer = await scene.consume(broker)
      await Promise.all([consumer.close(), broker.close(), broker.close()])
      await Promise.all([consumer.close(), broker.close()])
      scene.expect(consumer.deliveries).toEqual([])
    })
  },
}
