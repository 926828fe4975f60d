// State: how much waits, is in hands and was refused, as far as the broker knows; and whether it is there at all.

import type { Theme } from '../suite.js'

export const stateTheme: Theme = {
  name: 'state',
  define({ test }) {
    test('says of each queue it was opened with that it is empty', async (scene) => {
      const broker = await scene.open({ queues: ['main', 'other'] })
      const states = await broker.state()
      scene.expect(states.map(({ queue }) => queue).sort()).toEqual(['main', 'other'])
      for (const { waiting, delivered, refused } of states) {
        scene.expect([waiting ?? 0, delivered ?? 0, refused ?? 0]).toEqual([0, 0, 0])
      }
    })

    test('counts what waits', async (scene) => {
      const broker = await scene.open()
      await scene.publishSome(broker, 5)
      const { waiting } = await scene.stateOnce(
        broker,
        (state) => state.waiting === null || state.waiting === 5,
      )
      scene.expect(waiting ?? 5).toBe(5)
    })

    test('counts what is in the hands of this handle', async (scene) => {
      const broker = await scene.open()
      await scene.publishSome(broker, 5)
      const consumer = await scene.consume(broker, { credit: 2 })
      const [first] = await consumer.received(2)
      const held = await scene.stateOnce(broker, ({ delivered }) => delivered === null || delivered === 2)
      scene.expect(held.delivered ?? 2).toBe(2)
      first?.ack()
      await consumer.received(3)
      const left = await scene.stateOnce(broker, ({ waiting }) => waiting === null || waiting === 2)
      scene.expect(left.waiting ?? 2).toBe(2)
    })

    test('says that it can be reached', async (scene) => {
      scene.expect(await (await scene.open()).probe()).toBe(undefined)
    })

    test('says that it cannot be reached', async (scene) => {
      const failed = await scene.subject
        .connectNowhere()
        .probe()
        .then(
          () => null,
          (error: unknown) => error,
        )
      scene.expect(failed).toMatchObject({ code: 'broker_unavailable' })
    })
  },
}
