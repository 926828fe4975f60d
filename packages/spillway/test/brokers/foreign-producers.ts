// Services that know nothing of Spillway: they send single messages with their protocol's plain client, by the names and properties that
// the documentation gives them.

import { jetstream } from '@nats-io/jetstream'
import { connect as connectToNats, headers as natsHeaders } from '@nats-io/transport-node'
import { connect as connectToRabbitMq } from 'amqplib'
import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'

export interface ForeignMessage {
  readonly queue: string
  readonly contentType: string
  /** Attributes of a CloudEvent in binary mode. */
  readonly attributes: Readonly<Record<string, string>>
  readonly body: string
}

/** Resolves when the broker has them all. */
export type ForeignProducer = (
  url: string,
  prefix: string,
  messages: readonly ForeignMessage[],
) => Promise<void>

export const produceToRabbitMq: ForeignProducer = async (url, prefix, messages) => {
  const connection = await connectToRabbitMq(url)
  const channel = await connection.createConfirmChannel()
  for (const { queue, contentType, attributes, body } of messages) {
    const headers = renamed(attributes, 'cloudEvents_')
    channel.sendToQueue(`${prefix}${queue}`, Buffer.from(body), { contentType, headers, persistent: true })
  }
  await channel.waitForConfirms()
  await connection.close()
}

export const produceToNats: ForeignProducer = async (url, prefix, messages) => {
  const connection = await connectToNats({ servers: url })
  const stream = jetstream(connection)
  for (const { queue, contentType, attributes, body } of messages) {
    const headers = natsHeaders()
    headers.set('content-type', contentType)
    for (const [name, value] of Object.entries(renamed(attributes, 'ce-'))) headers.set(name, value)
    await stream.publish(`${prefix}.${queue}`, body, { headers })
  }
  await connection.close()
}

export const produceToKafka: ForeignProducer = async (url, prefix, messages) => {
  const client = new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING })
  const producer = client.producer()
  await producer.connect()
  for (const { queue, contentType, attributes, body } of messages) {
    const headers = { 'content-type': contentType, ...renamed(attributes, 'ce_') }
    await producer.send({ topic: `${prefix}${queue}`, messages: [{ value: body, headers }] })
  }
  await producer.disconnect()
}

export const produceToRedis: ForeignProducer = async (url, prefix, messages) => {
  const client = new Redis(url)
  for (const { queue, contentType, attributes, body } of messages) {
    const headers = JSON.stringify(renamed(attributes, 'ce-'))
    const fields = ['content-type', contentType, 'headers', headers, 'body', body]
    await client.xadd(`${prefix}:{${queue}}`, '*', ...fields)
  }
  client.disconnect()
}

function renamed(attributes: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`${prefix}${name}`, value]))
}
