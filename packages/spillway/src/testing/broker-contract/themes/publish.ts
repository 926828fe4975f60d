// Publish: a message is confirmed, refused or in doubt, each by itself, and what was confirmed is there as it was sent.

import type { OutgoingMessage, PublishVerdict } from '../../../ports/index.js'
import type { Scene } from '../scene.js'
import { needsRemoving, type Suite, type Theme } from '../suite.js'

export const publishTheme: Theme = {
  name: 'publish',
  define(suite) {
    confirming(suite)
    carrying(suite)
    refusing(suite)
  },
}

const LARGE_BYTES = 1024 * 1024
/** A broker may say that it takes more; no test fills the memory of the machine. */
const LARGEST_TRIED_BYTES = 32 * 1024 * 1024
const MANY = 200

function confirming({ test }: Suite): void {
  test('answers an empty list with an empty list', async (scene) => {
    scene.expect(await (await scene.open()).publish([])).toEqual([])
  })

  test('confirms what it keeps, before anybody consumes it', async (scene) => {
    const ids = await scene.publishSome(await scene.open(), 3)
    const consumer = await scene.consume(await scene.open())
    scene.expect((await consumer.received(3)).map(({ id }) => id)).toEqual(ids)
  })

  test('confirms many publishes at once, and keeps each of them once', async (scene) => {
    const broker = await scene.open()
    const lists = await Promise.all(Array.from({ length: MANY / 4 }, () => scene.publishSome(broker, 4)))
    const consumer = await scene.consume(broker, { each: (delivery) => delivery.ack() })
    await consumer.receivedAll(lists.flat())
    scene.expect([...consumer.ids].sort()).toEqual(lists.flat().sort())
  })

  test('takes messages of several queues at once', async (scene) => {
    const queues = ['first', 'second']
    const broker = await scene.open({ queues })
    const messages = [1, 2, 3, 4].map((n) => scene.message({ queue: queues[n % 2] as string }))
    await scene.publish(broker, messages)
    for (const queue of queues) {
      const sent = messages.filter((message) => message.queue === queue).map(({ id }) => id)
      const consumer = await scene.consume(broker, { queue })
      await consumer.received(sent.length)
      scene.expect(consumer.ids).toEqual(sent)
    }
  })

  test('takes a message again that is sent again', async (scene) => {
    const broker = await scene.open()
    const message = scene.message()
    await scene.publish(broker, [message])
    await scene.publish(broker, [message])
    const consumer = await scene.consume(broker)
    await consumer.receivedAll([message.id])
  })
}

function carrying({ test }: Suite): void {
  const bodies: Readonly<Record<string, () => Uint8Array>> = {
    'an empty body': () => new Uint8Array(0),
    'a body of any bytes': () => Uint8Array.from({ length: 1_024 }, (_, at) => at % 256),
    'a body of a line feed': () => Uint8Array.of(10),
  }
  for (const [what, body] of Object.entries(bodies)) {
    test(`carries ${what}`, (scene) => carries(scene, scene.message({ body: body() })))
  }

  test('carries a large body', async (scene) => {
    const { messageBytesMax } = (await scene.open()).capabilities
    await carries(scene, scene.message({ body: bodyOf(Math.min(messageBytesMax, LARGE_BYTES)) }))
  })

  test('carries the id, the content type and the headers', (scene) =>
    carries(
      scene,
      scene.message({
        contentType: 'application/vnd.spillway.chunk',
        headers: { 'ce-type': 'letter', 'x-empty': '', 'x-text': 'zażółć, 手紙 "quoted" %41', 'x-0': '0' },
      }),
    ))

  test("carries ids that are not Spillway's", async (scene) => {
    const broker = await scene.open()
    const messages = ['7', 'an-id.of_others', '0e2b6f0c-7d1f-4c5f-9d94-1a8a3b1f2c3d'].map((id) =>
      scene.message({ id }),
    )
    await scene.publish(broker, messages)
    const consumer = await scene.consume(broker)
    await consumer.received(messages.length)
    scene.expect(consumer.ids).toEqual(messages.map(({ id }) => id))
  })

  test('keeps queues apart whose names would mean something to a broker', async (scene) => {
    const queues = ['a', 'a.b', 'a.b.c', 'a-b', 'a_b', 'A', 'a.', 'a..b', 'n'.repeat(100)]
    const broker = await scene.open({ queues })
    await scene.publish(
      broker,
      queues.map((queue) => scene.message({ queue, body: queue })),
    )
    const consumers = await Promise.all(
      queues.map((queue) => scene.consume(broker, { queue, each: (delivery) => delivery.ack() })),
    )
    for (const consumer of consumers) await consumer.received(1)
    const bodies = consumers.map(({ deliveries }) =>
      deliveries.map(({ body }) => new TextDecoder().decode(body)),
    )
    scene.expect(bodies).toEqual(queues.map((queue) => [queue]))
  })
}

function refusing({ test }: Suite): void {
  test('takes the largest message and refuses a larger one by itself', async (scene) => {
    const broker = await scene.open()
    const { messageBytesMax } = broker.capabilities
    if (messageBytesMax > LARGEST_TRIED_BYTES) return scene.skip('the largest message is too large to try')
    const verdicts = await broker.publish([
      scene.message({ body: bodyOf(messageBytesMax) }),
      scene.message({ body: bodyOf(messageBytesMax + 1) }),
      scene.message(),
    ])
    scene.expect(verdicts.map(({ status }) => status)).toEqual(['confirmed', 'refused', 'confirmed'])
    scene.expect(errorCode(verdicts[1])).toBe('payload_too_large')
  })

  test('refuses what is for a queue it was not opened with, by itself', async (scene) => {
    const broker = await scene.open()
    const verdicts = await broker.publish([scene.message(), scene.message({ queue: 'other' })])
    scene.expect(verdicts.map(({ status }) => status)).toEqual(['confirmed', 'refused'])
    scene.expect(errorCode(verdicts[1])).toBe('invalid_argument')
  })

  test(
    'does not confirm what nobody keeps, when a queue was removed',
    async (scene) => {
      const broker = await scene.open()
      await scene.subject.remove?.('main')
      const message = scene.message()
      const { status } = await scene.publishOne(broker, message)
      const kept = await scene.leftOver(status === 'confirmed' ? [message.id] : [])
      scene.expect(kept).toEqual(status === 'confirmed' ? [message.id] : [])
    },
    needsRemoving,
  )

  test('answers with an error before it was opened', async (scene) => {
    const { status } = await scene.publishOne(scene.connect(), scene.message())
    scene.expect(status).not.toBe('confirmed')
  })
}

async function carries(scene: Scene, message: OutgoingMessage): Promise<void> {
  const broker = await scene.open()
  await scene.publish(broker, [message])
  const [delivery] = await (await scene.consume(broker)).received(1)
  const { id, contentType, headers, body } = delivery ?? {}
  scene.expect({ id, contentType, headers }).toEqual({
    ...{ id: message.id, contentType: message.contentType, headers: message.headers ?? {} },
  })
  scene
    .expect(Buffer.from(body ?? []).equals(Buffer.from(message.body)), 'the body is as it was sent')
    .toBe(true)
}

function bodyOf(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(97)
}

function errorCode(verdict: PublishVerdict | undefined): string | null {
  return verdict === undefined || verdict.status === 'confirmed' ? null : verdict.error.code
}
