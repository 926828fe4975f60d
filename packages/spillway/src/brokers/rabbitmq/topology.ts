// The queues on the server: per queue of Spillway one that is replicated and written to disk, and one beside it for what nobody can read.
// Nothing in it may drop a message: no length, no time to live, and whatever an operator's policy makes the server give up on goes to the
// second queue, which has to take it before it leaves the first.

import type { Channel, ChannelModel } from 'amqplib'
import type { BrokerQueue } from '../../ports/index.js'
import { closingOf } from './closing.js'
import { declareFailure, incompatible } from './failures.js'
import type { Names } from './names.js'
import type { Within } from './within.js'

/** Redeliveries of one message before the server gives up on it: servers from version 4 on would after 20. */
const DELIVERIES_MAX = 1_000_000_000
/** Dead letters that are sure to arrive came with this version. */
const VERSION_MIN = [3, 10] as const

export interface Topology {
  readonly names: Names
  readonly queues: readonly BrokerQueue[]
  readonly inTime: Within
}

export async function prepareTopology(
  model: ChannelModel,
  { names, queues, inTime }: Topology,
): Promise<void> {
  checkServer(model)
  const declare = (name: string, settings: QueueSettings): Promise<void> =>
    inTime(declareOn(model, name, settings))
  for (const queue of queues) {
    await declare(names.queue(queue.name), {
      'x-queue-type': 'quorum',
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': names.refused(queue.name),
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
      'x-delivery-limit': DELIVERIES_MAX,
      // The order of an ordered queue is the order in which its chunks are stored: one process at a time stores them.
      ...(queue.partitions === null ? {} : { 'x-single-active-consumer': true }),
    })
    // Last: a node that is killed within seconds of making a queue may not find that one again (RabbitMQ 3.10), and the next one it makes
    // ends these seconds.
    await declare(names.refused(queue.name), REFUSED_ARGUMENTS)
  }
}

type QueueSettings = Readonly<Record<string, unknown>>

const REFUSED_ARGUMENTS: QueueSettings = { 'x-queue-type': 'quorum', 'x-delivery-limit': DELIVERIES_MAX }

/** Each on a channel of its own, which ends with an error. */
async function declareOn(model: ChannelModel, name: string, settings: QueueSettings): Promise<void> {
  try {
    await onChannel(model, (channel) => channel.assertQueue(name, { durable: true, arguments: settings }))
  } catch (error) {
    throw declareFailure(name, error)
  }
}

/** A channel for one piece of work. */
export async function onChannel<Result>(
  model: ChannelModel,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await model.createChannel()
  // Whoever waits for the work hears of it.
  channel.on('error', () => {})
  const result = await work(channel)
  await closingOf(channel)
  return result
}

function checkServer(model: ChannelModel): void {
  const { product, version } = model.connection.serverProperties
  const [major = 0, minor = 0] = String(version).split('.').map(Number)
  const [majorMin, minorMin] = VERSION_MIN
  if (product !== 'RabbitMQ' || major < majorMin || (major === majorMin && minor < minorMin))
    throw incompatible(
      `expected RabbitMQ ${VERSION_MIN.join('.')} or later, the server says it is ${product} ${version}`,
    )
}
