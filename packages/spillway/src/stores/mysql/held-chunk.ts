// Leased chunks while their holder writes about them: found by (id, token) and locked, changed in memory, written back by one
// update each.

import type { ChunkMember, LeaseRef, Stage } from '../../domain/index.js'
import type { ChunkPlace } from './chunks.js'
import type { Connection } from './connection.js'
import { formatIndexes, parseIndexes } from './index-list.js'
import { CHUNKS_BY_ID, CHUNKS_BY_SEQ } from './indexes.js'
import { parseMembers } from './members.js'
import { select } from './select.js'
import { integer, text, textList } from './sql-text.js'

export interface HeldChunk extends ChunkPlace {
  readonly id: string
  readonly token: number
  readonly type: string
  readonly priority: number
  readonly stage: Stage
  readonly size: number
  readonly expiries: number
  readonly createdAt: number
  /** Null for a chunk as it was submitted. */
  readonly members: readonly ChunkMember[] | null
  /** Indexes that must not run any more. */
  readonly over: Set<number>
  cursor: number | null
  /** Commands that succeeded since it was read and have no row. */
  succeeded: number
  changed: boolean
}

/** What a call found and locked, by chunk id. */
export interface Holding {
  /** The store's time then. */
  readonly now: number
  /** The chunk while the lease is this token's, else null. */
  find(lease: LeaseRef): HeldChunk | null
  /** It is not leased any more. */
  drop(chunk: HeldChunk): void
}

export function findSql(ids: readonly string[], now: string): string {
  return `
select seq, id, token, queue, type, priority, partition_no, stage, promoted, size, expiries, created_at, skip, members, cursor_idx, ${now} as now
from ${CHUNKS_BY_ID} where id in ${textList(ids)} and state = 'leased' order by id for update`
}

/** Locks the leased chunks until the transaction ends. `now` is SQL. */
export async function holdChunks(
  connection: Connection,
  leases: readonly LeaseRef[],
  now: string,
): Promise<Holding> {
  const ids = [...new Set(leases.map(({ chunkId }) => chunkId))].sort()
  const rows = await select<Record<string, unknown>>(connection, findSql(ids, now))
  const chunks = new Map(rows.map((row) => [String(row.id), heldChunk(row)]))
  return {
    now: Number(rows[0]?.now ?? 0),
    find({ chunkId, token }) {
      const chunk = chunks.get(chunkId)
      return chunk?.token === token ? chunk : null
    },
    drop: ({ id }) => chunks.delete(id),
  }
}

function heldChunk(row: Readonly<Record<string, unknown>>): HeldChunk {
  return {
    seq: Number(row.seq),
    id: String(row.id),
    token: Number(row.token),
    queue: String(row.queue),
    type: String(row.type),
    priority: Number(row.priority),
    partition: numberOrNull(row.partition_no),
    stage: row.stage as Stage,
    promoted: Number(row.promoted) === 1,
    size: Number(row.size),
    expiries: Number(row.expiries),
    createdAt: Number(row.created_at),
    members: parseMembers(row.members as string | null),
    over: new Set(parseIndexes(row.skip as string | null)),
    cursor: numberOrNull(row.cursor_idx),
    succeeded: 0,
    changed: false,
  }
}

export function isLive({ size, over }: HeldChunk, index: number): boolean {
  return index >= 0 && index < size && !over.has(index)
}

/** Commands that still wait or run. */
export function liveOf({ size, over }: HeldChunk): number {
  return size - over.size
}

/** Writes back what is over; none when nothing was. `now` is the store's time. */
export function saveChunk(chunk: HeldChunk, now: number): string[] {
  if (!chunk.changed) return []
  const { seq, over, cursor, succeeded } = chunk
  chunk.changed = false
  chunk.succeeded = 0
  // A command that ended is not to blame for the next one's crash.
  if (cursor !== null && over.has(cursor)) chunk.cursor = null
  return [
    `update ${CHUNKS_BY_SEQ} set skip = ${text(formatIndexes(over))}, live = ${liveOf(chunk)}, succeeded = succeeded + ${succeeded}, ` +
      `ended_at = greatest(ended_at, ${integer(now)}), cursor_idx = ${integer(chunk.cursor)} where seq = ${seq}`,
  ]
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value)
}
