// A leased chunk while its holder writes about it: found by (id, token), changed in memory, written back in one update.

import type { ChunkMember, LeaseRef, Stage } from '../../domain/index.js'
import type { ChunkPlace } from './chunks.js'
import type { SqliteTx } from './client.js'
import { formatIndexes, parseIndexes } from './index-list.js'
import { parseMembers } from './members.js'

export interface HeldRow extends ChunkPlace {
  readonly id: string
  readonly type: string
  readonly priority: number
  readonly size: number
  readonly live: number
  readonly skip: string | null
  readonly expiries: number
  readonly created_at: number
  /** Null where the commands are simply run. */
  readonly stage: Stage | null
}

export interface HeldChunk {
  readonly row: HeldRow
  /** Null for a chunk as it was submitted. */
  readonly members: readonly ChunkMember[] | null
  /** What is done with its commands. */
  readonly stage: Stage
  /** Indexes that must not run any more. */
  readonly over: Set<number>
  /** Commands that succeeded and have no row. */
  succeeded: number
}

export interface HeldChunks {
  /** The chunk while the lease is this token's, else null. */
  find(lease: LeaseRef): HeldRow | null
  open(row: HeldRow): HeldChunk
  /** Writes back what is over. */
  save(chunk: HeldChunk, now: number): void
}

export function prepareHeldChunks(db: SqliteTx): HeldChunks {
  const find = db.prepare(`
    select seq, id, queue, type, priority, partition, promoted, size, live, skip, expiries, created_at, stage
    from spillway_chunks where id = ?1 and token = ?2 and state = 'leased'`)
  const membersOf = db.prepare('select members from spillway_bodies where seq = ?1')
  const save = db.prepare(`
    update spillway_chunks
    set skip = ?2, live = ?3, succeeded = succeeded + ?4, ended_at = max(ended_at, ?5),
      cursor = iif(cursor in (select value from json_each(?2)), null, cursor)
    where seq = ?1`)

  return {
    find: ({ chunkId, token }) => (find.get(chunkId, token) as HeldRow | undefined) ?? null,
    open: (row) => ({
      row,
      members:
        row.promoted === 1 ? parseMembers((membersOf.get(row.seq) as { members: string }).members) : null,
      stage: row.stage ?? 'execute',
      over: new Set(parseIndexes(row.skip)),
      succeeded: 0,
    }),
    save({ row, over, succeeded }, now) {
      save.run(row.seq, formatIndexes(over), row.size - over.size, succeeded, now)
    },
  }
}

export function isLive({ row, over }: HeldChunk, index: number): boolean {
  return index >= 0 && index < row.size && !over.has(index)
}
