// How much waits: the ends of a topic's partitions against how far the group has read them, or this process itself where it reads.

import type { Admin } from 'kafkajs'
import type { BrokerQueueState } from '../../ports/index.js'
import type { Reader } from './reader.js'
import type { OpenTopic } from './topology.js'

export async function stateOf(
  admin: Admin,
  queue: string,
  { topic, refusedTopic, group }: OpenTopic,
  readers: readonly Reader[],
): Promise<BrokerQueueState> {
  const [ends, refused] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchTopicOffsets(refusedTopic),
  ])
  // Asked first, a client that has just connected does not find the group's broker, and pauses before it tries again.
  const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
  const read = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
  for (const { lanes } of readers)
    for (const { partition, next, isVoid } of lanes) if (next !== null && !isVoid) read.set(partition, next)
  let waiting = 0
  for (const { partition, high, low } of ends)
    waiting += Math.max(0, Number(high) - Math.max(read.get(partition) ?? 0, Number(low)))
  return {
    ...{ queue, waiting },
    delivered: readers.reduce((sum, { inHand }) => sum + inHand, 0),
    refused: refused.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0),
  }
}
