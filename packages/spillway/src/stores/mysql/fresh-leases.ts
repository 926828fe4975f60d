// Leasing chunks as they are stored: which of them may be, under the limits of their queues, and what their leases are.

import { type ChunkDraft, freshLease, type Lease } from '../../domain/index.js'
import type { AppendLease } from '../../ports/index.js'
import { FIRST_TOKEN, type NewChunk } from './chunks.js'
import type { Connection } from './connection.js'
import { parseIndexes } from './index-list.js'
import { limitsSql, type QueueLimits, roomIn } from './room.js'

/** Whether a claim could take the chunk, as far as its queue lets it. */
export function isLeasable({ state, partition }: Pick<NewChunk, 'state' | 'partition'>): boolean {
  return state === 'ready' && partition === null
}

/** The same chunks, leased as far as the limits have room: the first ones first. `now` is SQL. */
export async function leasedChunks(
  connection: Connection,
  chunks: readonly NewChunk[],
  lease: AppendLease,
  now: string,
): Promise<NewChunk[]> {
  const queues = [...new Set(chunks.filter(isLeasable).map(({ queue }) => queue))].sort()
  if (queues.length === 0) return [...chunks]
  const found = await connection.send(queues.map(limitsSql))
  const rooms = new Map<string, number>()
  // In one order, so that two calls with the same queues do not wait for each other in a circle.
  for (const [at, queue] of queues.entries()) {
    rooms.set(queue, await roomIn(connection, queue, found[at]?.rows[0] as QueueLimits | undefined, now))
  }
  return chunks.map((chunk) => {
    const room = rooms.get(chunk.queue) ?? 0
    if (!isLeasable(chunk) || room <= 0) return chunk
    rooms.set(chunk.queue, room - 1)
    return { ...chunk, state: 'leased', lease }
  })
}

/** By chunk id. `chunks` of some of the drafts. */
export function leasesOf(
  drafts: readonly ChunkDraft[],
  chunks: readonly NewChunk[],
  createdAt: number,
): Map<string, Lease> {
  const draftOf = new Map(drafts.map((draft) => [draft.id, draft]))
  const leases = new Map<string, Lease>()
  for (const { id, state, skip } of chunks) {
    if (state !== 'leased') continue
    const storage = { token: FIRST_TOKEN, skip: parseIndexes(skip), createdAt }
    leases.set(id, freshLease(draftOf.get(id) as ChunkDraft, storage))
  }
  return leases
}
