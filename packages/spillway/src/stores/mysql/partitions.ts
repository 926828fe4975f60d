// Partitions of ordered queues. Of a partition only the oldest chunk that is not done is claimable; the others are marked blocked.
// Whoever adds or ends a chunk of a partition first locks the partition's row, so that the mark is right whatever happens at
// once, and the order of commits is the order of `seq`.

import { CHUNKS_BY_SEQ, CHUNKS_OF_PARTITION } from './indexes.js'
import { integer, text } from './sql-text.js'

export interface PartitionRef {
  readonly queue: string
  readonly partition: number
}

export interface OfPartition {
  readonly queue: string
  readonly partition: number | null
}

/** The partitions that the chunks belong to, each once, in the order in which they must be locked. */
export function partitionsOf(chunks: Iterable<OfPartition>): PartitionRef[] {
  const found = new Map<string, PartitionRef>()
  for (const { queue, partition } of chunks) {
    if (partition !== null) found.set(`${queue} ${partition}`, { queue, partition })
  }
  return [...found.values()].sort((a, b) => compare(a.queue, b.queue) || a.partition - b.partition)
}

/** Holds the partitions until the transaction ends. */
export function lockPartitions(partitions: readonly PartitionRef[]): string[] {
  if (partitions.length === 0) return []
  const rows = partitions.map(({ queue, partition }) => `(${text(queue)}, ${integer(partition)})`)
  return [
    `insert into spillway_partitions (queue, partition_no) values ${rows.join(', ')} on duplicate key update partition_no = values(partition_no)`,
  ]
}

/** SQL of whether a chunk that is added now is not the first of its partition. The partition is locked. */
export function isBlocked({ queue, partition }: PartitionRef): string {
  return `exists (select 1 from ${CHUNKS_OF_PARTITION} where ${inPartition(queue, partition)} and state in ('ready', 'leased'))`
}

/**
 * Frees the oldest chunk that is left. The partition is locked. What is leased is always the oldest. By a variable, because an update
 * whose condition is a query reads every row of the table.
 */
export function unblock({ queue, partition }: PartitionRef): [string, string] {
  const here = inPartition(queue, partition)
  const oldest = (state: 'leased' | 'ready'): string =>
    `(select min(seq) from ${CHUNKS_OF_PARTITION} where ${here} and state = '${state}')`
  return [
    `set @spillway_oldest = coalesce(${oldest('leased')}, ${oldest('ready')})`,
    `update ${CHUNKS_BY_SEQ} set blocked = 0 where seq = @spillway_oldest and blocked = 1`,
  ]
}

export function inPartition(queue: string, partition: number): string {
  return `partition_no = ${integer(partition)} and queue = ${text(queue)}`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
