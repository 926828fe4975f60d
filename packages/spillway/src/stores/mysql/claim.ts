// Leasing chunks. Candidates are locked in the order of the index, passing over what others have locked, so that any number of
// workers take different chunks without waiting; then those that fit the request are leased, and the locks on the rest end
// with the transaction.

import type { Blocker, Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { type BlockerRow, blockersSql, firstOfEachKey } from './blockers.js'
import { finishChunks } from './chunks.js'
import { type Candidate, expiredSql, oldestReadySql, precedencesScan, readySql } from './claimable.js'
import type { RunResult } from './enlist/index.js'
import { parseIndexes } from './index-list.js'
import { CHUNKS_BY_SEQ } from './indexes.js'
import { parseMembers } from './members.js'
import { limitsSql, type QueueLimits, roomIn } from './room.js'
import { rowsOf } from './select.js'
import type { Session, Transaction } from './session.js'
import { skipThrough } from './skip-scan.js'
import { integer, integerList, text } from './sql-text.js'
import { Hints, type Wake } from './wake.js'

interface Body {
  readonly seq: number
  readonly body: string
  readonly members: string | null
}

export async function claim(session: Session, wake: Wake, request: ClaimRequest): Promise<Lease[]> {
  if (request.types.length === 0 || request.chunksMax < 1) return []
  const { leases, hints } = await session.transaction(async (transaction) => {
    const { candidates, limits } = await lockCandidates(session, transaction, request)
    if (limits?.paused === 1 || candidates.length === 0) return { leases: [], hints: new Hints() }
    const room = await roomIn(transaction, request.queue, limits, session.now())
    const chosen = choose(candidates, request, Math.min(request.chunksMax, room))
    return leaseChosen(session, transaction, request, chosen)
  })
  wake.give(hints)
  return leases
}

async function lockCandidates(
  session: Session,
  transaction: Transaction,
  request: ClaimRequest,
): Promise<{ candidates: Candidate[]; limits: QueueLimits | undefined }> {
  const types = [...new Set(request.types)]
  const ready =
    request.oldestFirst === true
      ? await oldestReady(transaction, request, types)
      : types.map((type) => readySql(request, type))
  const [limits, ...found] = await transaction.send([
    limitsSql(request.queue),
    expiredSql(request, session.now()),
    ...ready,
  ])
  const candidates = found.flatMap((result) => rowsOf<Candidate>(result))
  candidates.sort(
    request.oldestFirst === true
      ? (a, b) => a.seq - b.seq
      : (a, b) => b.priority - a.priority || a.seq - b.seq,
  )
  return { candidates, limits: limits?.rows[0] as QueueLimits | undefined }
}

/** Statements for each priority that something ready has. */
async function oldestReady(
  transaction: Transaction,
  request: ClaimRequest,
  types: readonly string[],
): Promise<string[]> {
  const found = await skipThrough(
    transaction,
    types.map((type) => precedencesScan(request, type)),
  )
  return types.flatMap((type, place) =>
    (found[place] ?? []).map(({ precedence }) => oldestReadySql(request, type, Number(precedence))),
  )
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
  const statements = [
    ...endings,
    leaseSql(request, seqs, session.now()),
    `select seq, body, members from ${CHUNKS_BY_SEQ} where seq in ${seqs}`,
  ]
  const ordered = chosen.flatMap(({ seq, partition_no: partition }) =>
    partition === null ? [] : [{ seq, queue, partition }],
  )
  const results = await transaction.finish([...statements, ...ordered.map(blockersSql)])
  const bodies = rowsOf<Body>(results[statements.length - 1] as RunResult)
  const blockers = new Map<number, readonly Blocker[]>()
  for (const [place, chunk] of ordered.entries()) {
    const rows = rowsOf<BlockerRow>(results[statements.length + place] as RunResult)
    // Behind the commit: what held up a key before the lease was given still does, or ended, which only delays.
    blockers.set(chunk.seq, await firstOfEachKey(transaction, chunk, rows))
  }
  return { leases: leasesOf(request, chosen, bodies, blockers), hints }
}

/** Assignments are made from left to right: `expiries` still sees the state from before. */
function leaseSql({ workerId, leaseMs }: ClaimRequest, seqs: string, now: string): string {
  return `
update ${CHUNKS_BY_SEQ}
set expiries = expiries + (state = 'leased'), state = 'leased', token = token + 1, leased_by = ${text(workerId)},
  lease_expires_at = ${now} + ${integer(leaseMs)}
where seq in ${seqs}`
}

function leasesOf(
  { queue }: ClaimRequest,
  chosen: readonly Candidate[],
  bodies: readonly Body[],
  blockers: ReadonlyMap<number, readonly Blocker[]>,
): Lease[] {
  const bySeq = new Map(bodies.map((body) => [body.seq, body]))
  return chosen.map((chunk) => {
    const { seq, id, type, priority, partition_no, tenant, stage, codec, size, cursor_idx } = chunk
    const { body, members } = bySeq.get(seq) as Body
    return {
      ...{ chunkId: id, queue, type, priority, stage, codec, body, size },
      partition: partition_no,
      tenant: tenant === '' ? null : tenant,
      blockers: blockers.get(seq) ?? null,
      cursor: cursor_idx,
      token: chunk.token + 1,
      expiries: chunk.expiries + (chunk.state === 'leased' ? 1 : 0),
      skip: parseIndexes(chunk.skip),
      members: parseMembers(members),
      createdAt: chunk.created_at,
    }
  })
}
