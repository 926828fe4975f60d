// Chunk rows: how one begins and how it ends, as statements.

import type { Codec, Stage } from '../../domain/index.js'
import { CHUNKS_BY_SEQ } from './indexes.js'
import { isBlocked, lockPartitions, type OfPartition, partitionsOf, unblock } from './partitions.js'
import { integer, integerList, multiRow, text } from './sql-text.js'

export interface NewChunk {
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  /** Null or empty: of nobody. */
  readonly tenant: string | null
  readonly stage: Stage
  readonly codec: Codec
  readonly body: string
  readonly size: number
  readonly state: 'ready' | 'done'
  /** Commands stored for the first time. */
  readonly accepted: number
  /** Rows of its commands that are not terminal, and that ended otherwise than by success. */
  readonly open: number
  readonly unsuccessful: number
  /** JSON of indexes not to run, of commands that were not stored, and of the members of a promoted chunk. */
  readonly skip: string | null
  readonly absent: string | null
  readonly members: string | null
}

export interface ChunkPlace {
  readonly seq: number
  readonly queue: string
  readonly partition: number | null
  readonly promoted: boolean
}

const INSERT = `
insert into spillway_chunks (id, queue, type, priority, precedence, partition_no, codec, state, blocked, promoted, size, accepted,
  live, open, unsuccessful, created_at, ended_at, skip, absent, members, body, tenant, stage, bytes) values`

/** Adds the chunks in their order. `now` is SQL. */
export function insertChunks(chunks: readonly NewChunk[], now: string): string[] {
  if (chunks.length === 0) return []
  const plain = chunks.every(({ partition }) => partition === null)
  if (plain)
    return multiRow(
      INSERT,
      chunks.map((chunk) => rowOf(chunk, '0', now)),
    )
  const statements = lockPartitions(partitionsOf(chunks))
  for (const chunk of chunks) {
    const { queue, partition } = chunk
    // A variable, because a table may not be read in a subquery of its own insert.
    if (partition !== null) statements.push(`set @spillway_blocked = ${isBlocked({ queue, partition })}`)
    statements.push(`${INSERT} ${rowOf(chunk, partition === null ? '0' : '@spillway_blocked', now)}`)
  }
  return statements
}

function rowOf(chunk: NewChunk, blocked: string, now: string): string {
  const { id, queue, type, priority, partition, codec, body, size, state, accepted } = chunk
  const promoted = chunk.members !== null
  const live = state === 'done' ? 0 : promoted ? size : accepted
  const values = [
    ...[text(id), text(queue), text(type), integer(priority), integer(-priority), integer(partition)],
    ...[text(codec), text(state), blocked, promoted ? '1' : '0', integer(size), integer(accepted)],
    ...[integer(live), integer(chunk.open), integer(chunk.unsuccessful), now, now],
    ...[text(chunk.skip), text(chunk.absent), text(chunk.members), text(body)],
    ...[text(chunk.tenant ?? ''), text(chunk.stage), integer(Buffer.byteLength(body))],
  ]
  return `(${values.join(', ')})`
}

/** What ends a submitted chunk: what is still live in it succeeded. Assignments are made from left to right. */
export const FINISH = "state = 'done', succeeded = succeeded + live, live = 0, cursor_idx = null"

/**
 * The chunks are over. Promoted ones are gone, their rows are the truth; what waits behind them in their partitions is freed. `now` is
 * SQL. The partitions of `others`, which are added in the same transaction, are locked too: all of them in one order.
 */
export function finishChunks(
  chunks: readonly ChunkPlace[],
  now: string,
  others: Iterable<OfPartition> = [],
): string[] {
  const seqs = (promoted: boolean): number[] =>
    chunks.filter((chunk) => chunk.promoted === promoted).map(({ seq }) => seq)
  const submitted = seqs(false)
  const carriers = seqs(true)
  const partitions = partitionsOf(chunks)
  return [
    ...(submitted.length === 0
      ? []
      : [
          `update ${CHUNKS_BY_SEQ} set ${FINISH}, ended_at = greatest(ended_at, ${now}) where seq in ${integerList(submitted)}`,
        ]),
    ...(carriers.length === 0 ? [] : [`delete from spillway_chunks where seq in ${integerList(carriers)}`]),
    ...lockPartitions(partitionsOf([...chunks, ...others])),
    ...partitions.flatMap(unblock),
  ]
}
