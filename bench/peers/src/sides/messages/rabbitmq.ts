// A quorum queue as Spillway's, persistent messages, each with its confirm.

import { connect } from 'amqplib'
import { messageSides, PREFETCH } from './message-side.js'

export const rabbitMqMessages = messageSides({
  title: 'RabbitMQ',
  broker: 'rabbitmq',
  settings: { client: 'amqplib', queue: 'quorum', messages: 'persistent, confirmed one by one' },
  async install({ url, lane }) {
    const connection = await connect(url)
    const channel = await connection.createChannel()
    await channel.assertQueue(lane, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
    await connection.close()
  },
  async produce({ url, lane }) {
    const connection = await connect(url)
    const channel = await connection.createConfirmChannel()
    return {
      send: (body) =>
        new Promise<void>((resolve, reject) => {
          channel.sendToQueue(lane, body, { persistent: true }, (error: unknown) =>
            error === null || error === undefined ? resolve() : reject(error),
          )
        }),
      close: () => connection.close(),
    }
  },
  async consume({ url, lane }, handle) {
    const connection = await connect(url)
    const channel = await connection.createChannel()
    await channel.prefetch(PREFETCH)
    await channel.consume(lane, (message) => {
      if (message !== null) void handle(message.content).then(() => channel.ack(message))
    })
    return { close: () => connection.close() }
  },
})
