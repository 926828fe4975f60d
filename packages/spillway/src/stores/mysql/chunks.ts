// Chunk rows: how one begins and how it ends, as statements.

import type { Codec, Stage } from '../../domain/index.js'
import type { AppendLease } from '../../ports/index.js'
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
  /** `leased` together with `lease`. */
  readonly state: 'ready' | 'leased' | 'done'
  /** Commands stored for the first time. */
  readonly accepted: number
  /** Rows of its commands that are not terminal, and that ended otherwise than by success. */
  readonly open: number
  readonly unsuccessful: number
  /** JSON of indexes not to run, of commands that were not stored, and of the members of a promoted chunk. */
  readonly skip: string | null
  readonly absent: string | null
  readonly members: string | null
  /** By whom it is leased as it is stored. */
  readonly lease?: AppendLease
  /** Commands that have succeeded as it is stored. */
  readonly succeeded?: number
}

/** Of a chunk that is leased as it is stored. */
export const FIRST_TOKEN = 1

export interface ChunkPlace {
  readonly seq: number
  readonly queue: string
  readonly partition: number | null
  readonly promoted: boolean
}

const COLUMNS = `id, queue, type, priority, precedence, partition_no, codec, state, blocked, promoted, size, accepted,
  live, succeeded, open, unsuccessful, created_at, ended_at, skip, absent, members, body, tenant, stage, bytes`
const INSERT = `
insert into spillway_chunks (${COLUMNS}) values`
const INSERT_LEASED = `
insert into spillway_chunks (${COLUMNS}, token, leased_by, lease_expires_at) values`

/** Adds the chunks in their order. `now` is SQL. */
export function insertChunks(chunks: readonly NewChunk[], now: string): string[] {
  if (chunks.length === 0) return []
  const plain = chunks.every(({ partition }) => partition === null)
  const isLeasing = chunks.some(({ lease }) => lease !== undefined)
  const head = isLeasing ? INSERT_LEASED : INSERT
  const valuesOf = (chunk: NewChunk, blocked: string): string =>
    `(${[...rowOf(chunk, blocked, now), ...(isLeasing ? leaseOf(chunk, now) : [])].join(', ')})`
  if (plain)
    return multiRow(
      head,
      chunks.map((chunk) => valuesOf(chunk, '0')),
    )
  const statements = lockPartitions(partitionsOf(chunks))
  for (const chunk of chunks) {
    const { queue, partition } = chunk
    // A variable, because a table may not be read in a subquery of its own insert.
    if (partition !== null) statements.push(`set @spillway_blocked = ${isBlocked({ queue, partition })}`)
    statements.push(`${head} ${valuesOf(chunk, partition === null ? '0' : '@spillway_blocked')}`)
  }
  return statements
}

function rowOf(chunk: NewChunk, blocked: string, now: string): string[] {
  const { id, queue, type, priority, partition, codec, body, size, state, accepted } = chunk
  const promoted = chunk.members !== null
  const live = state === 'done' ? 0 : promoted ? size : accepted
  return [
    ...[text(id), text(queue), text(type), integer(priority), integer(-priority), integer(partition)],
    ...[text(codec), text(state), blocked, promoted ? '1' : '0', integer(size), integer(accepted)],
    ...[
      integer(live),
      integer(chunk.succeeded ?? 0),
      integer(chunk.open),
      integer(chunk.unsuccessful),
      now,
      now,
    ],
    ...[text(chunk.skip), text(chunk.absent), text(chunk.members), text(body)],
    ...[text(chunk.tenant ?? ''), text(chunk.stage), integer(Buffer.byteLength(body))],
  ]
}

function leaseOf({ lease }: NewChunk, now: string): string[] {
  if (lease === undefined) return ['0', 'null', '0']
  return [integer(FIRST_TOKEN), text(lease.workerId), `${now} + ${integer(lease.leaseMs)}`]
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
