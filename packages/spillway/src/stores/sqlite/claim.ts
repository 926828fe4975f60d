// Leasing chunks. An idle worker asks often, so whether there is anything at all is read without the write lock.

import type { ChunkMember, Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { prepareBlockers } from './blockers.js'
import { type Chunks, prepareChunks } from './chunks.js'
import { type Candidate, prepareClaimable } from './claimable.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'
import { parseIndexes } from './index-list.js'
import { parseMembers } from './members.js'
import { prepareRoom } from './room.js'

export interface Claimer {
  /** Whether a claim would find something. Inside a read transaction. */
  hasWork(request: ClaimRequest, now: number): boolean
  /** Inside a write transaction. */
  claim(request: ClaimRequest, now: number, hints: Hints): Lease[]
}

interface Body {
  readonly body: string
  readonly members: readonly ChunkMember[] | null
}

export function prepareClaimer(db: SqliteTx): Claimer {
  const chunks: Chunks = prepareChunks(db)
  const claimable = prepareClaimable(db)
  const room = prepareRoom(db)
  const blockersOf = prepareBlockers(db)
  const take = db.prepare(`
    update spillway_chunks
    set state = 'leased', token = token + 1, expiries = ?2, leased_by = ?3, lease_expires_at = ?4
    where seq = ?1`)
  const keptApart = db.prepare('select body, members from spillway_bodies where seq = ?1')

  function bodyOf({ seq, body }: Candidate): Body {
    if (body !== null) return { body, members: null }
    const kept = keptApart.get(seq) as { body: string; members: string | null }
    return { body: kept.body, members: kept.members === null ? null : parseMembers(kept.members) }
  }

  function lease(chunk: Candidate, request: ClaimRequest, now: number): Lease {
    const expiries = expiriesOf(chunk)
    take.run(chunk.seq, expiries, request.workerId, now + Math.trunc(request.leaseMs))
    const { body, members } = bodyOf(chunk)
    const { queue, partition } = chunk
    return {
      chunkId: chunk.id,
      token: chunk.token + 1,
      queue,
      type: chunk.type,
      priority: chunk.priority,
      partition,
      tenant: chunk.tenant,
      stage: chunk.stage ?? 'execute',
      blockers: partition === null ? null : blockersOf(queue, partition, chunk.seq),
      codec: chunk.codec,
      body,
      size: chunk.size,
      skip: parseIndexes(chunk.skip),
      members,
      expiries,
      cursor: chunk.cursor,
      createdAt: chunk.created_at,
    }
  }

  return {
    hasWork: (request, now) => room(request.queue, request.chunksMax, now) > 0 && claimable.any(request, now),
    claim(request, now, hints) {
      const leases: Lease[] = []
      const chunksMax = room(request.queue, request.chunksMax, now)
      if (chunksMax <= 0) return leases
      let commands = 0
      for (const chunk of claimable.list(request, now)) {
        if (chunk.live === 0) {
          // Its holder finished everything and died before it said so.
          chunks.finish(chunk, now, hints)
          continue
        }
        if (leases.length >= chunksMax || (leases.length > 0 && commands >= request.commandsMax)) break
        leases.push(lease(chunk, request, now))
        commands += chunk.live
      }
      return leases
    },
  }
}

function expiriesOf(chunk: Candidate): number {
  return chunk.state === 'leased' ? chunk.expiries + 1 : chunk.expiries
}
