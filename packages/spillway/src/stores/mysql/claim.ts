// Leasing chunks. Candidates are locked in the order of the index, passing over what others have locked, so that any number of
// workers take different chunks without waiting; then those that fit the request are leased, and the locks on the rest end
// with the transaction.

import type { ChunkMember, Codec, Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { finishChunks } from './chunks.js'
import { parseIndexes } from './index-list.js'
import { CHUNKS_BY_SEQ, LEASED_CHUNKS, READY_CHUNKS } from './indexes.js'
import { rowsOf } from './select.js'
import type { Session, Transaction } from './session.js'
import { integer, integerList, text, textList } from './sql-text.js'
import { Hints, type Wake } from './wake.js'

interface Candidate {
  readonly seq: number
  readonly id: string
  readonly type: string
  readonly priority: number
  readonly partition_no: number | null
  readonly codec: Codec
  readonly state: 'ready' | 'leased'
  readonly promoted: number
  readonly size: number
  readonly live: number
  readonly skip: string | null
  readonly token: number
  readonly expiries: number
  readonly cursor_idx: number | null
  readonly created_at: number
}

interface Body {
  readonly seq: number
  readonly body: string
  readonly members: string | null
}

interface Settings {
  readonly paused: number
  readonly leases_max: number | null
}

export async function claim(session: Session, wake: Wake, request: ClaimRequest): Promise<Lease[]> {
  if (request.types.length === 0 || request.chunksMax < 1) return []
  const { leases, hints } = await session.transaction(async (transaction) => {
    const { candidates, settings } = await lockCandidates(session, transaction, request)
    if (settings?.paused === 1 || candidates.length === 0) return { leases: [], hints: new Hints() }
    const room = await roomFor(session, transaction, request, settings)
    return leaseChosen(session, transaction, request, choose(candidates, request, room))
  })
  wake.give(hints)
  return leases
}

const COLUMNS =
  'seq, id, type, priority, partition_no, codec, state, promoted, size, live, skip, token, expiries, cursor_idx, created_at'

function settingsSql(queue: string): string {
  return `select paused, leases_max from spillway_queues where name = ${text(queue)}`
}

export function readySql({ queue, chunksMax }: ClaimRequest, type: string): string {
  return `
select ${COLUMNS} from ${READY_CHUNKS}
where state = 'ready' and queue = ${text(queue)} and blocked = 0 and type = ${text(type)}
order by precedence, seq limit ${integer(chunksMax)} for update skip locked`
}

export function expiredSql({ queue, types, chunksMax }: ClaimRequest, now: string): string {
  return `
select ${COLUMNS} from ${LEASED_CHUNKS}
where state = 'leased' and queue = ${text(queue)} and lease_expires_at <= ${now} and type in ${textList(types)}
order by precedence, seq limit ${integer(chunksMax)} for update skip locked`
}

async function lockCandidates(
  session: Session,
  transaction: Transaction,
  request: ClaimRequest,
): Promise<{ candidates: Candidate[]; settings: Settings | undefined }> {
  const types = [...new Set(request.types)]
  const [settings, ...found] = await transaction.send([
    settingsSql(request.queue),
    expiredSql(request, session.now()),
    ...types.map((type) => readySql(request, type)),
  ])
  const candidates = found.flatMap((result) => rowsOf<Candidate>(result))
  candidates.sort((a, b) => b.priority - a.priority || a.seq - b.seq)
  return { candidates, settings: settings?.rows[0] as Settings | undefined }
}

/**
 * How many chunks of the queue may be leased now. Claims on a queue with a limit pass here one after the other; who waits for
 * the row holds chunks that all others pass over.
 */
async function roomFor(
  session: Session,
  transaction: Transaction,
  { queue, chunksMax }: ClaimRequest,
  settings: Settings | undefined,
): Promise<number> {
  if (settings === undefined || settings.leases_max === null) return chunksMax
  const [locked, counted] = await transaction.send([
    `${settingsSql(queue)} for update`,
    `select count(*) as leased from ${LEASED_CHUNKS} where state = 'leased' and queue = ${text(queue)} and lease_expires_at > ${session.now()}`,
  ])
  const now = locked?.rows[0] as Settings | undefined
  if (now?.paused === 1) return 0
  const limit = now?.leases_max ?? null
  if (limit === null) return chunksMax
  return Math.max(0, Math.min(chunksMax, limit - Number(counted?.rows[0]?.leased)))
}

interface Choice {
  readonly chosen: readonly Candidate[]
  /** Their holders finished everything and died before they said so. */
  readonly over: readonly Candidate[]
}

function choose(candidates: readonly Candidate[], { commandsMax }: ClaimRequest, room: number): Choice {
  const chosen: Candidate[] = []
  const over: Candidate[] = []
  let commands = 0
  for (const chunk of candidates) {
    if (chunk.live === 0) {
      over.push(chunk)
      continue
    }
    if (chosen.length >= room || (chosen.length > 0 && commands >= commandsMax)) break
    chosen.push(chunk)
    commands += chunk.live
  }
  return { chosen, over }
}

async function leaseChosen(
  session: Session,
  transaction: Transaction,
  request: ClaimRequest,
  { chosen, over }: Choice,
): Promise<{ leases: Lease[]; hints: Hints }> {
  const hints = new Hints()
  const { queue } = request
  for (const { partition_no } of over) if (partition_no !== null) hints.add(queue, 0)
  const endings = finishChunks(
    over.map(({ seq, partition_no, promoted }) => ({
      ...{ seq, queue, partition: partition_no, promoted: promoted === 1 },
    })),
    session.now(),
  )
  if (chosen.length === 0) {
    await transaction.finish(endings)
    return { leases: [], hints }
  }
  const seqs = integerList(chosen.map(({ seq }) => seq))
  const results = await transaction.finish([
    ...endings,
    leaseSql(request, seqs, session.now()),
    `select seq, body, members from ${CHUNKS_BY_SEQ} where seq in ${seqs}`,
  ])
  const bodies = rowsOf<Body>(results.at(-1) as (typeof results)[number])
  return { leases: leasesOf(request, chosen, bodies), hints }
}

/** Assignments are made from left to right: `expiries` still sees the state from before. */
function leaseSql({ workerId, leaseMs }: ClaimRequest, seqs: string, now: string): string {
  return `
update ${CHUNKS_BY_SEQ}
set expiries = expiries + (state = 'leased'), state = 'leased', token = token + 1, leased_by = ${text(workerId)},
  lease_expires_at = ${now} + ${integer(leaseMs)}
where seq in ${seqs}`
}

function leasesOf({ queue }: ClaimRequest, chosen: readonly Candidate[], bodies: readonly Body[]): Lease[] {
  const bySeq = new Map(bodies.map((body) => [body.seq, body]))
  return chosen.map((chunk) => {
    const { id, type, priority, partition_no, codec, size, cursor_idx } = chunk
    const { body, members } = bySeq.get(chunk.seq) as Body
    return {
      ...{ chunkId: id, queue, type, priority, codec, body, size },
      partition: partition_no,
      cursor: cursor_idx,
      token: chunk.token + 1,
      expiries: chunk.expiries + (chunk.state === 'leased' ? 1 : 0),
      skip: parseIndexes(chunk.skip),
      members: members === null ? null : (JSON.parse(members) as ChunkMember[]),
      createdAt: chunk.created_at,
    }
  })
}
