// Order: messages of one partition come in the order of their publication, as long as nobody crashes.

import type { Delivery, OutgoingMessage } from '../../../ports/index.js'
import type { Consumer } from '../consumer.js'
import type { Scene } from '../scene.js'
import type { Theme } from '../suite.js'

const PARTITIONS = 4
const PER_PARTITION = 25
const QUEUE = { name: 'ordered', partitions: PARTITIONS }

export const orderTheme: Theme = {
  name: 'order',
  define({ test }) {
    test('keeps the order of each partition in one publish', async (scene) => {
      const { messages, inOrder } = await sending(scene)
      await inOrder(async (broker) => void (await scene.publish(broker, messages)))
    })

    test('keeps the order of each partition over publishes that do not wait for each other', async (scene) => {
      const { messages, inOrder } = await sending(scene)
      await inOrder(async (broker) => {
        await Promise.all(messages.map((message) => scene.publish(broker, [message])))
      })
    })

    test('keeps the order of each partition with a credit of one', async (scene) => {
      const { messages, inOrder } = await sending(scene)
      await inOrder(async (broker) => void (await scene.publish(broker, messages)), 1)
    })

    test('keeps the order of what a consumer left behind', async (scene) => {
      const broker = await scene.open({ queues: [QUEUE] })
      if (!broker.capabilities.ordered) return scene.skip('the broker keeps no order')
      const messages = messagesOf(scene).filter(({ partition }) => partition === 0)
      await scene.publish(broker, messages)
      const first = await scene.consume(broker, { queue: QUEUE.name })
      await first.received(messages.length)
      await first.close()
      const second = await scene.consume(broker, { queue: QUEUE.name })
      await second.received(messages.length)
      scene.expect(second.ids).toEqual(messages.map(({ id }) => id))
    })

    test('keeps the order of each partition when one of two consumers leaves in the middle', async (scene) => {
      const brokers = [await scene.open({ queues: [QUEUE] }), await scene.open({ queues: [QUEUE] })]
      if (!brokers[0]?.capabilities.ordered) return scene.skip('the broker keeps no order')
      const ended: string[] = []
      const end = (delivery: Delivery): void => {
        ended.push(delivery.id as string)
        delivery.ack()
      }
      // Some brokers let one consumer read a partition, some a whole queue, and none says which: whoever is first is the one that leaves.
      const consumers: Consumer[] = []
      let staying = -1
      const each = (at: number) => (delivery: Delivery) => {
        if (at === staying) end(delivery)
      }
      for (const [at, broker] of brokers.entries()) {
        consumers.push(await scene.consume(broker, { queue: QUEUE.name, credit: 10, each: each(at) }))
      }
      const ids = await scene.publish(brokers[0], messagesOf(scene))
      const leaver = await Promise.race(consumers.map(async (one) => one.received(1).then(() => one)))
      staying = leaver === consumers[0] ? 1 : 0
      const stayer = consumers[staying] as Consumer
      // Of what it holds it has acknowledged some, and not those behind them.
      leaver.deliveries.slice(0, 4).forEach(end)
      stayer.deliveries.forEach(end)
      await leaver.close()
      await stayer.receivedAll(ids.filter((id) => !ended.includes(id)))
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const sent = ids.filter((_, at) => at % PARTITIONS === partition)
        const firsts = [...new Set(ended)].filter((id) => sent.includes(id))
        scene.expect(firsts).toEqual(sent)
      }
    })
  },
}

interface Sending {
  readonly messages: readonly OutgoingMessage[]
  inOrder(send: (broker: Awaited<ReturnType<Scene['open']>>) => Promise<void>, credit?: number): Promise<void>
}

async function sending(scene: Scene): Promise<Sending> {
  const messages = messagesOf(scene)
  return {
    messages,
    async inOrder(send, credit = 20) {
      const broker = await scene.open({ queues: [QUEUE] })
      if (!broker.capabilities.ordered) return scene.skip('the broker keeps no order')
      await send(broker)
      const consumer = await scene.consume(broker, {
        ...{ queue: QUEUE.name, credit, each: (delivery) => delivery.ack() },
      })
      await consumer.received(messages.length)
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const sent = messages.filter((message) => message.partition === partition).map(({ id }) => id)
        scene.expect(consumer.ids.filter((id) => sent.includes(id as string))).toEqual(sent)
      }
    },
  }
}

/** Of all partitions in turn. */
function messagesOf(scene: Scene): readonly OutgoingMessage[] {
  return Array.from({ length: PARTITIONS * PER_PARTITION }, (_, at) =>
    scene.message({ queue: QUEUE.name, partition: at % PARTITIONS }),
  )
}
