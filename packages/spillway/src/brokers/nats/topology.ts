// What has to exist on the server. One stream keeps the messages of all queues, each until it is acknowledged; another one keeps those that
// were refused. An ordered queue is read by one process at a time: whoever holds its turn, a message of a third stream that nobody ever
// acknowledges.

import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import type { BrokerQueue } from '../../ports/index.js'
import { apiCode, incompatible } from './failures.js'
import type { Line } from './link.js'
import type { Names } from './names.js'
import type { NatsSettings } from './options.js'

/** Messages of a queue in all hands at most; every subscription has its credit besides. */
const ACK_PENDING_MAX = 65_536
/** Requests for messages that may wait on the server, of all processes that read a queue. */
const PULLS_WAITING_MAX = 4_096
/** Requests to the server at once while a broker is opened. */
const CALLS_MAX = 16

const STREAM_NOT_FOUND = 10_059
const STREAM_NAME_IN_USE = 10_058
const CONSUMER_NOT_FOUND = 10_014
const WRONG_LAST_SEQUENCE = 10_071

export interface Topology {
  readonly settings: NatsSettings
  readonly names: Names
  readonly queues: readonly BrokerQueue[]
}

/** Throws `broker_incompatible` when something exists otherwise. */
export async function prepareTopology(line: Line, topology: Topology): Promise<void> {
  const { names, queues } = topology
  await ensureStream(line, messagesStream(topology))
  await ensureStream(line, refusedStream(topology))
  await each(queues, ({ name }) =>
    ensureConsumer(line, names.messages, consumerOf(topology, name, names.subject(name))),
  )
  const ordered = queues.filter(({ partitions }) => partitions !== null)
  if (ordered.length === 0) return
  await ensureStream(line, turnsStream(topology))
  await each(ordered, async ({ name }) => {
    await ensureTurn(line, topology, name)
    await ensureConsumer(line, names.turns, consumerOf(topology, name, names.turnSubject(name)))
  })
}

type WantedStream = Pick<StreamConfig, 'name' | 'subjects' | 'retention'> & Partial<StreamConfig>

function messagesStream({ names, settings }: Topology): WantedStream {
  const subjects = [`${names.messages}.>`]
  const duplicate_window = nanos(settings.duplicateWindowMs)
  return {
    ...streamOf(names.messages, subjects, settings),
    retention: RetentionPolicy.Workqueue,
    duplicate_window,
  }
}

function refusedStream({ names, settings }: Topology): WantedStream {
  return streamOf(names.refused, [`${names.refused}.>`], settings)
}

function turnsStream({ names, settings }: Topology): WantedStream {
  return streamOf(names.turns, [`${names.turns}.>`], settings)
}

function streamOf(name: string, subjects: string[], { replicas }: NatsSettings): WantedStream {
  return {
    ...{
      name,
      subjects,
      num_replicas: replicas,
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
    },
    // Should an operator set limits: what does not fit is not taken, instead of the oldest being thrown away.
    discard: DiscardPolicy.New,
  }
}

async function ensureStream(line: Line, wanted: WantedStream): Promise<void> {
  const { streams } = line.manager
  const found = await streams.info(wanted.name).catch(absent(STREAM_NOT_FOUND))
  if (found !== null) return checkStream(found.config, wanted)
  // Others may make it at the same time, perhaps with other settings.
  const made = await streams.add(wanted).catch(absent(STREAM_NAME_IN_USE))
  checkStream((made ?? (await streams.info(wanted.name))).config, wanted)
}

function checkStream(found: StreamConfig, { name, subjects, retention }: WantedStream): void {
  const amiss = [
    found.retention === retention ? null : `retention '${retention}'`,
    found.storage === StorageType.File ? null : "storage 'file'",
    subjects.every((subject) => found.subjects?.includes(subject)) ? null : `the subject ${subjects.join()}`,
    losesMessages(found) ? "discard policy 'new' and no max_age" : null,
  ].filter((one) => one !== null)
  if (amiss.length === 0) return
  throw incompatible(
    `stream ${name} exists without ${amiss.join(', ')}. Change it, or remove it once it is empty, or use another prefix.`,
  )
}

/** With a limit that throws away what nobody has acknowledged. */
function losesMessages({
  discard,
  max_msgs,
  max_bytes,
  max_age,
  max_msgs_per_subject,
}: StreamConfig): boolean {
  const isLimited = max_msgs > 0 || max_bytes > 0 || max_msgs_per_subject > 0
  return max_age > 0 || (isLimited && discard !== DiscardPolicy.New)
}

type WantedConsumer = Pick<ConsumerConfig, 'ack_policy' | 'deliver_policy'> & {
  readonly durable_name: string
  readonly filter_subject: string
  readonly ack_wait: number
  readonly max_deliver: number
  readonly max_ack_pending: number
  readonly max_waiting: number
}

function consumerOf({ names, settings }: Topology, queue: string, filter_subject: string): WantedConsumer {
  return {
    ...{ durable_name: names.consumer(queue), filter_subject, ack_wait: nanos(settings.ackWaitMs) },
    ...{ ack_policy: AckPolicy.Explicit, deliver_policy: DeliverPolicy.All },
    // Redelivery is for crashes, however many there are; what cannot succeed is for the store to say.
    ...{ max_deliver: -1, max_ack_pending: ACK_PENDING_MAX, max_waiting: PULLS_WAITING_MAX },
  }
}

async function ensureConsumer(line: Line, stream: string, wanted: WantedConsumer): Promise<void> {
  const { consumers } = line.manager
  const found = await consumers.info(stream, wanted.durable_name).catch(absent(CONSUMER_NOT_FOUND))
  const { config }: Pick<ConsumerInfo, 'config'> = found ?? (await consumers.add(stream, wanted))
  const amiss = [
    config.ack_policy === wanted.ack_policy ? null : "ack policy 'explicit'",
    config.filter_subject === wanted.filter_subject ? null : `filter ${wanted.filter_subject}`,
    config.deliver_subject === undefined ? null : 'being a pull consumer',
    (config.max_deliver ?? -1) === -1 ? null : 'unlimited deliveries',
    config.ack_wait === wanted.ack_wait
      ? null
      : `ack_wait ${wanted.ack_wait} ns, the option ackWait of all processes`,
  ].filter((one) => one !== null)
  if (amiss.length === 0) return
  throw incompatible(
    `consumer ${wanted.durable_name} of stream ${stream} exists without ${amiss.join(', ')}. Change it, or remove it: messages stay.`,
  )
}

/** One message per ordered queue, put there by the first who comes. */
async function ensureTurn(line: Line, { names }: Topology, queue: string): Promise<void> {
  await line.client
    .publish(names.turnSubject(queue), '', { expect: { lastSubjectSequence: 0 } })
    .catch(absent(WRONG_LAST_SEQUENCE))
}

function absent(code: number): (error: unknown) => null {
  return (error) => {
    if (apiCode(error) === code) return null
    throw error
  }
}

async function each<Item>(items: readonly Item[], run: (item: Item) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += CALLS_MAX)
    await Promise.all(items.slice(from, from + CALLS_MAX).map(run))
}
