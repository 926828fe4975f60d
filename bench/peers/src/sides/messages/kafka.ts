// A topic with as many partitions as Spillway's, every message sent by itself with acks from all replicas, the client's own batches for
// the consumer.

import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { messageSides } from './message-side.js'

const PARTITIONS = 8
const COMMIT_EVERY_MS = 500

export const kafkaMessages = messageSides({
  title: 'Kafka',
  broker: 'kafka',
  settings: {
    client: 'kafkajs',
    topic: `${PARTITIONS} partitions`,
    messages: 'acks=all, sent one by one',
    consumer: `eachBatch, all messages of a batch at once, offsets committed every ${COMMIT_EVERY_MS} ms`,
  },
  async install({ url, lane }) {
    const admin = clientOf(url).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: lane, numPartitions: PARTITIONS }], waitForLeaders: true })
    await admin.disconnect()
  },
  async produce({ url, lane }) {
    const producer = clientOf(url).producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    return {
      send: (value) => producer.send({ topic: lane, acks: -1, messages: [{ value }] }),
      close: () => producer.disconnect(),
    }
  },
  async consume({ url, lane }, handle) {
    const consumer = clientOf(url).consumer({ groupId: lane, maxWaitTimeInMs: 50 })
    await consumer.connect()
    await consumer.subscribe({ topic: lane, fromBeginning: true })
    const joined = new Promise<void>((resolve) => {
      consumer.on(consumer.events.GROUP_JOIN, () => resolve())
    })
    await consumer.run({
      autoCommitInterval: COMMIT_EVERY_MS,
      partitionsConsumedConcurrently: PARTITIONS,
      async eachBatch({ batch }) {
        await Promise.all(batch.messages.map(({ value }) => (value === null ? null : handle(value))))
      },
    })
    await joined
    return { close: () => consumer.disconnect() }
  },
})

function clientOf(url: string): Kafka {
  return new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING })
}
