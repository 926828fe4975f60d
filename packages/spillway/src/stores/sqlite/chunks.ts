// Chunk rows: how one begins and how it ends. Of a partition only the oldest chunk that is not done is claimable, so an insert
// marks the others blocked and an end frees the next: a claim then costs the same for ordered queues as for any other.

import type { Codec, Stage } from '../../domain/index.js'
import type { AppendLease } from '../../ports/index.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'
import { prepareLoneKeys } from './lone-keys.js'

export interface NewChunk {
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly tenant: string | null
  readonly stage: Stage
  readonly codec: Codec
  readonly body: string
  readonly size: number
  /** `leased` together with `lease`. */
  readonly state: 'ready' | 'leased' | 'done'
  /** Commands stored for the first time. */
  readonly accepted: number
  readonly skip: string | null
  readonly absent: string | null
  /** JSON of the members, for a promoted chunk. */
  readonly members: string | null
  /** The key of a chunk of one, if it is collected from here; see lone-keys.ts. */
  readonly loneKey: LoneKey | null
  /** By whom it is leased as it is stored. */
  readonly lease?: AppendLease | null
  /** Commands that had succeeded when it was stored; with `done`. */
  readonly succeeded?: number
}

/** Of a chunk that is leased as it is stored. */
export const FIRST_TOKEN = 1

export interface LoneKey {
  readonly key: string
  readonly expiresAt: number
}

/** Characters of a body that stands in the chunk's own row: more would make every update of the row dear. */
const INLINE_BODY_MAX = 1_000

export interface ChunkPlace {
  readonly seq: number
  readonly queue: string
  readonly partition: number | null
  readonly promoted: number
}

export interface Chunks {
  /** Returns its seq. */
  insert(chunk: NewChunk, now: number): number
  /** The chunk is over: what is still live in it succeeded. A promoted chunk is gone, its rows are the truth. */
  finish(chunk: ChunkPlace, now: number, hints: Hints): void
}

/** `more` columns, whose values are the parameters from ?22 on. */
const insertSql = (...more: readonly string[]): string => `
insert into spillway_chunks (${['id', ...more].join(', ')}, queue, type, priority, partition, codec, state, blocked, promoted, size,
  accepted, live, skip, absent, created_at, ended_at, body, lone_key, lone_key_expires_at, bytes, tenant, stage,
  succeeded)
values (${['?1', ...more.map((_, at) => `?${22 + at}`)].join(', ')}, ?2, ?3, ?4, ?5, ?6, ?7,
  ?5 is not null and exists (
    select 1 from spillway_chunks where queue = ?2 and partition = ?5 and partition is not null and state <> 'done'),
  ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)`

export const FINISH = `
update spillway_chunks
set state = 'done', succeeded = succeeded + live, live = 0, leased_by = null, lease_expires_at = null, cursor = null,
  ended_at = max(ended_at, ?1)`

/** Live commands of the chunk that became claimable. */
const UNBLOCK = `
update spillway_chunks set blocked = 0
where seq = (select min(seq) from spillway_chunks
    where queue = ?1 and partition = ?2 and partition is not null and state <> 'done')
  and blocked = 1`

export function prepareChunks(db: SqliteTx): Chunks {
  const insertChunk = db.prepare(insertSql())
  const insertLeased = db.prepare(insertSql('token', 'leased_by', 'lease_expires_at'))
  const insertBody = db.prepare('insert into spillway_bodies (seq, body, members) values (?1, ?2, ?3)')
  const finishChunk = db.prepare(`${FINISH} where seq = ?2`)
  const deleteChunk = db.prepare('delete from spillway_chunks where seq = ?1')
  const deleteBody = db.prepare('delete from spillway_bodies where seq = ?1')
  const unblock = db.prepare(UNBLOCK)
  const loneKeys = prepareLoneKeys(db)

  function insert(chunk: NewChunk, now: number): number {
    const {
      id,
      queue,
      type,
      priority,
      partition,
      tenant,
      stage,
      codec,
      body,
      size,
      state,
      accepted,
      skip,
      absent,
      members,
      loneKey,
      lease = null,
      succeeded = 0,
    } = chunk
    const inline = members === null && body.length <= INLINE_BODY_MAX
    const promoted = members === null ? 0 : 1
    const live = state === 'done' ? 0 : promoted === 1 ? size : accepted
    const values = [
      ...[id, queue, type, priority, partition, codec, state],
      ...[promoted, size, accepted, live, skip, absent, now],
      ...[inline ? body : null, loneKey?.key ?? null, loneKey?.expiresAt ?? null],
      ...[Buffer.byteLength(body), tenant, stage === 'execute' ? null : stage, succeeded],
    ]
    const { lastInsertRowid } =
      lease === null
        ? insertChunk.run(...values)
        : insertLeased.run(...values, FIRST_TOKEN, lease.workerId, now + Math.trunc(lease.leaseMs))
    const seq = Number(lastInsertRowid)
    if (!inline) insertBody.run(seq, body, members)
    return seq
  }

  function finish(chunk: ChunkPlace, now: number, hints: Hints): void {
    if (chunk.promoted === 1) {
      deleteChunk.run(chunk.seq)
      deleteBody.run(chunk.seq)
      loneKeys.chunksRemoved()
    } else {
      finishChunk.run(now, chunk.seq)
    }
    if (chunk.partition === null) return
    if (Number(unblock.run(chunk.queue, chunk.partition).changes) > 0) hints.add(chunk.queue, 0)
  }

  return { insert, finish }
}
