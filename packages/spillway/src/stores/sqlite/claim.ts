// Leasing chunks. An idle worker asks often, so whether there is anything at all is read without the write lock.

import type { ChunkMember, Codec, Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { type Chunks, prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'
import { parseIndexes } from './index-list.js'
import { prepareSettings } from './queues.js'

export interface Claimer {
  /** Whether a claim would find something. Inside a read transaction. */
  hasWork(request: ClaimRequest, now: number): boolean
  /** Inside a write transaction. */
  claim(request: ClaimRequest, now: number, hints: Hints): Lease[]
}

interface Candidate {
  readonly seq: number
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly codec: Codec
  readonly state: 'ready' | 'leased'
  readonly promoted: number
  readonly size: number
  readonly live: number
  readonly skip: string | null
  readonly token: number
  readonly expiries: number
  readonly cursor: number | null
  readonly created_at: number
  /** Null when it is kept apart. */
  readonly body: string | null
}

interface Body {
  readonly body: string
  readonly members: string | null
}

const COLUMNS =
  'seq, id, queue, type, priority, partition, codec, state, promoted, size, live, skip, token, expiries, cursor, created_at, body'
const READY = "state = 'ready' and queue = ?1 and blocked = 0 and type = ?2"
const EXPIRED =
  "state = 'leased' and queue = ?1 and lease_expires_at <= ?2 and type in (select value from json_each(?3))"

export function prepareClaimer(db: SqliteTx): Claimer {
  const chunks: Chunks = prepareChunks(db)
  const settings = prepareSettings(db)
  const countLeased = db.prepare(
    "select count(*) as leased from spillway_chunks where state = 'leased' and queue = ?1 and lease_expires_at > ?2",
  )
  const anyReady = db.prepare(`select 1 from spillway_chunks where ${READY} limit 1`)
  const anyExpired = db.prepare(`select 1 from spillway_chunks where ${EXPIRED} limit 1`)
  const readyOfType = db.prepare(
    `select ${COLUMNS} from spillway_chunks where ${READY} order by priority desc, seq limit ?3`,
  )
  const expired = db.prepare(
    `select ${COLUMNS} from spillway_chunks where ${EXPIRED} order by priority desc, seq limit ?4`,
  )
  const take = db.prepare(`
    update spillway_chunks
    set state = 'leased', token = token + 1, expiries = ?2, leased_by = ?3, lease_expires_at = ?4
    where seq = ?1`)
  const keptApart = db.prepare('select body, members from spillway_bodies where seq = ?1')

  function bodyOf({ seq, body }: Candidate): Body {
    return body === null ? (keptApart.get(seq) as Body) : { body, members: null }
  }

  /** Chunks that may be leased now. */
  function room({ queue, chunksMax }: ClaimRequest, now: number): number {
    const { paused, leasesMax } = settings.of(queue)
    if (paused) return 0
    if (leasesMax === null) return chunksMax
    const { leased } = countLeased.get(queue, now) as { leased: number }
    return Math.min(chunksMax, leasesMax - leased)
  }

  function hasWork(request: ClaimRequest, now: number): boolean {
    const { queue, types } = request
    if (room(request, now) <= 0) return false
    if (types.some((type) => anyReady.get(queue, type) !== undefined)) return true
    return anyExpired.get(queue, now, JSON.stringify(types)) !== undefined
  }

  function candidates({ queue, types, chunksMax }: ClaimRequest, now: number): Candidate[] {
    const found = expired.all(queue, now, JSON.stringify(types), chunksMax) as Candidate[]
    for (const type of new Set(types)) found.push(...(readyOfType.all(queue, type, chunksMax) as Candidate[]))
    return found.sort((a, b) => b.priority - a.priority || a.seq - b.seq)
  }

  function lease(chunk: Candidate, request: ClaimRequest, now: number): Lease {
    const expiries = expiriesOf(chunk)
    take.run(chunk.seq, expiries, request.workerId, now + Math.trunc(request.leaseMs))
    const { body, members } = bodyOf(chunk)
    const { id, queue, type, priority, partition, codec, size, cursor } = chunk
    return {
      ...{ chunkId: id, queue, type, priority, partition, codec, body, size, cursor, expiries },
      token: chunk.token + 1,
      skip: parseIndexes(chunk.skip),
      members: members === null ? null : (JSON.parse(members) as ChunkMember[]),
      createdAt: chunk.created_at,
    }
  }

  function claim(request: ClaimRequest, now: number, hints: Hints): Lease[] {
    const leases: Lease[] = []
    const chunksMax = room(request, now)
    if (chunksMax <= 0) return leases
    let commands = 0
    for (const chunk of candidates(request, now)) {
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
  }

  return { hasWork, claim }
}

function expiriesOf(chunk: Candidate): number {
  return chunk.state === 'leased' ? chunk.expiries + 1 : chunk.expiries
}
