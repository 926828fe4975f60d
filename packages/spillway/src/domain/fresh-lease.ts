// The lease of a chunk that was leased as it was stored: nothing has happened to it yet, so its draft says nearly all of it.

import type { ChunkDraft, Lease } from './chunk.js'

/** What only the store knows. `skip`: the indexes that turned out to be repeats, ascending. */
export type FreshLease = Pick<Lease, 'token' | 'skip' | 'createdAt'>

/** Of a draft without a partition whose commands are not parked. */
export function freshLease(draft: ChunkDraft, { token, skip, createdAt }: FreshLease): Lease {
  const { id, queue, type, priority, codec, body, size } = draft
  return {
    ...{ chunkId: id, token, queue, type, priority, codec, body, size, skip, createdAt },
    partition: null,
    tenant: draft.tenant || null,
    stage: 'execute',
    blockers: null,
    members: null,
    expiries: 0,
    cursor: null,
  }
}
