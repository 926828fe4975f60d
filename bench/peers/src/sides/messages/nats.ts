// A JetStream work queue in files as Spillway's, each message with its acknowledgement.

import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { messageSides, PREFETCH } from './message-side.js'

const CONSUMER = 'rows'

export const natsMessages = messageSides({
  title: 'NATS',
  broker: 'nats',
  settings: {
    client: '@nats-io/jetstream',
    stream: 'work queue in files',
    messages: 'acknowledged one by one',
  },
  async install({ url, lane }) {
    const connection = await connect(serversOf(url))
    const manager = await jetstreamManager(connection)
    await manager.streams.add({
      ...{ name: lane, subjects: [lane], storage: StorageType.File, retention: RetentionPolicy.Workqueue },
    })
    await manager.consumers.add(lane, {
      ...{ durable_name: CONSUMER, ack_policy: AckPolicy.Explicit, max_ack_pending: PREFETCH },
    })
    await connection.close()
  },
  async produce({ url, lane }) {
    const connection = await connect(serversOf(url))
    const stream = jetstream(connection)
    return { send: (body) => stream.publish(lane, body), close: () => connection.close() }
  },
  async consume({ url, lane }, handle) {
    const connection = await connect(serversOf(url))
    const consumer = await jetstream(connection).consumers.get(lane, CONSUMER)
    const messages = await consumer.consume({
      max_messages: PREFETCH,
      callback: (message) => void handle(message.data).then(() => message.ack()),
    })
    return {
      async close() {
        await messages.close()
        await connection.drain()
      },
    }
  },
})

function serversOf(url: string) {
  return { servers: new URL(url).host }
}
