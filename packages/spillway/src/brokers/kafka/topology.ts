// What has to exist on the cluster: a topic for each queue, and one for its refused messages. A topic that exists stays as it is; one that
// would lose messages, or has fewer partitions than asked for, is refused.

import client, { type Admin, type ITopicConfig } from 'kafkajs'
import type { BrokerQueue, Telemetry } from '../../ports/index.js'
import type { Machine } from '../driver/index.js'
import { incompatible, isNotYet } from './failures.js'
import type { Names } from './names.js'
import type { KafkaSettings } from './options.js'

/** A queue's topic as it was found. */
export interface OpenTopic {
  readonly topic: string
  readonly refusedTopic: string
  readonly group: string
  readonly partitions: number
  /** Bytes of a batch of messages as Kafka stores it. */
  readonly batchBytesMax: number
}

export interface Topology {
  readonly settings: KafkaSettings
  readonly names: Names
  readonly queues: readonly BrokerQueue[]
  readonly telemetry: Telemetry | null
}

/** The reason and the marks of a refused message, which come on top of it. */
const REFUSED_EXTRA_BYTES = 64 * 1024
const FOREVER = '-1'
const CONFIGS = [
  'max.message.bytes',
  'cleanup.policy',
  'retention.ms',
  'retention.bytes',
  'min.insync.replicas',
]

/** By queue. Throws `broker_incompatible` when a topic exists otherwise. */
export async function prepareTopology(
  admin: Admin,
  topology: Topology,
  machine: Machine,
): Promise<Map<string, OpenTopic>> {
  const { queues } = topology
  if (queues.length === 0) return new Map()
  const found = await onceKnown(() => ensureTopics(admin, topology), machine)
  return new Map(queues.map((queue) => [queue.name, checked(found, queue, topology)]))
}

async function ensureTopics(admin: Admin, topology: Topology): Promise<ReadonlyMap<string, Found>> {
  const topics = wanted(topology)
  const existing = new Set(await admin.listTopics())
  const missing = topics.filter(({ topic }) => !existing.has(topic))
  // Others may make them at the same time, perhaps with other settings: they are looked at afterwards. Leaders are waited for below.
  if (missing.length > 0) await admin.createTopics({ topics: missing, waitForLeaders: false })
  // The leader of a new partition is told later than everybody else that it is.
  await Promise.all(topics.map(({ topic }) => admin.fetchTopicOffsets(topic)))
  return describe(
    admin,
    topics.map(({ topic }) => topic),
  )
}

function wanted({ settings, names, queues }: Topology): ITopicConfig[] {
  const { replicas, partitions, topicMessageBytes } = settings
  const make = (topic: string, numPartitions: number, messageBytes: number): ITopicConfig => ({
    ...{ topic, numPartitions, ...(replicas === null ? {} : { replicationFactor: replicas }) },
    configEntries: [
      { name: 'cleanup.policy', value: 'delete' },
      // Nothing is deleted because it is old or much: what was settled by everybody is, when this driver trims.
      { name: 'retention.ms', value: FOREVER },
      { name: 'retention.bytes', value: FOREVER },
      { name: 'max.message.bytes', value: String(messageBytes) },
    ],
  })
  return queues.flatMap(({ name }) => [
    make(names.topic(name), partitions, topicMessageBytes),
    make(names.refused(name), 1, topicMessageBytes + REFUSED_EXTRA_BYTES),
  ])
}

/** Not every broker knows a topic that was made just now, and the client trips over a cluster that has no broker for a moment. */
async function onceKnown<Value>(ask: () => Promise<Value>, machine: Machine): Promise<Value> {
  for (let asked = 1; ; asked += 1) {
    try {
      return await ask()
    } catch (error) {
      if (asked === ASKED_MAX || !(isNotYet(error) || error instanceof TypeError)) throw error
      await new Promise<void>((resolve) => void machine.schedule(ASK_AGAIN_MS, resolve))
    }
  }
}

const ASKED_MAX = 500
const ASK_AGAIN_MS = 10

interface Found {
  readonly partitions: number
  readonly replicas: number
  readonly configs: ReadonlyMap<string, string>
}

async function describe(admin: Admin, topics: string[]): Promise<ReadonlyMap<string, Found>> {
  const { topics: metadata } = await admin.fetchTopicMetadata({ topics })
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map((name) => ({ type: client.ConfigResourceTypes.TOPIC, name, configNames: CONFIGS })),
  })
  const configs = new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  )
  return new Map(
    metadata.map(({ name, partitions }) => [
      name,
      {
        partitions: partitions.length,
        replicas: Math.min(...partitions.map((partition) => partition.replicas.length)),
        configs: configs.get(name) ?? new Map<string, string>(),
      },
    ]),
  )
}

function checked(found: ReadonlyMap<string, Found>, { name }: BrokerQueue, topology: Topology): OpenTopic {
  const { names, settings, telemetry } = topology
  const [topic, refusedTopic] = [names.topic(name), names.refused(name)]
  const [main, refused] = [found.get(topic), found.get(refusedTopic)]
  if (main === undefined || refused === undefined) throw incompatible(`topic ${topic} could not be made.`)
  for (const [one, { configs }] of [[topic, main] as const, [refusedTopic, refused] as const]) {
    const policy = configs.get('cleanup.policy') ?? 'delete'
    if (policy !== 'delete')
      throw incompatible(
        `topic ${one} exists with cleanup.policy ${policy}, which loses messages: set it to delete, or use another prefix.`,
      )
  }
  if (main.partitions < settings.partitions)
    throw incompatible(
      `topic ${topic} exists with ${main.partitions} partitions and was to have ${settings.partitions}: add partitions while it is empty, or set the option partitions to ${main.partitions}.`,
    )
  for (const warning of warnings(topic, main))
    telemetry?.record({ event: 'fault', where: 'broker.kafka', error: incompatible(warning) })
  const group = names.group(name)
  return { topic, refusedTopic, group, partitions: main.partitions, batchBytesMax: batchBytes(main) }
}

/** What makes a topic less safe than it could be. */
function warnings(topic: string, { replicas, configs }: Found): readonly string[] {
  const insync = Number(configs.get('min.insync.replicas') ?? 1)
  const isAging = (configs.get('retention.ms') ?? FOREVER) !== FOREVER
  const isLimited = (configs.get('retention.bytes') ?? FOREVER) !== FOREVER
  return [
    ...(isAging || isLimited
      ? [
          `topic ${topic} has ${isAging ? 'retention.ms' : 'retention.bytes'}: Kafka deletes messages that nobody has consumed by then.`,
        ]
      : []),
    ...(replicas > 1 && insync < 2
      ? [
          `topic ${topic} has ${replicas} copies and min.insync.replicas ${insync}: a confirmed message may be on one broker alone.`,
        ]
      : []),
  ]
}

const BATCH_BYTES_DEFAULT = 1_048_588

function batchBytes({ configs }: Found): number {
  return Number(configs.get('max.message.bytes') ?? BATCH_BYTES_DEFAULT)
}
