// Removing what has outlived its retention. A family goes as a whole: its chunk and all its rows, once every command of it
// ended long enough ago. Keys and shared values go by their own expiry, nodes by their silence, the audit by its age.

import { isSpillwayError } from '../../errors/index.js'
import type { PruneReport, PruneRequest } from '../../ports/index.js'
import { forgetAuditSql } from './audit.js'
import { newBatchSize } from './batch-size.js'
import { CHUNKS_BY_SEQ, ENDED_CHUNKS, PARKED_BY_COMMAND } from './indexes.js'
import { newKeyTurns } from './key-turns.js'
import { forgetSilentSql } from './nodes.js'
import { rowsOf } from './select.js'
import type { Session } from './session.js'
import { forgetSharedSql } from './shared.js'
import { integer, integerList, textList } from './sql-text.js'

export type Pruner = (request: PruneRequest) => Promise<PruneReport>

/** Commands that one transaction removes at most, beyond the first family: their bodies are many pages. */
const COMMANDS_MAX = 10_000
/** Smaller batches that one call tries after one that was too slow. */
const ATTEMPTS_MAX = 3
/** What a smaller batch may help against. */
const TOO_MUCH: ReadonlySet<unknown> = new Set(['deadline', 'locked', 'interrupted', 'deadlock'])

interface Family {
  readonly seq: number
  readonly id: string
  readonly accepted: number
}

type Removed = Pick<PruneReport, 'chunks' | 'commands'>

const NOTHING: Removed = { chunks: 0, commands: 0 }

export function newPruner(session: Session): Pruner {
  const batchSize = newBatchSize()
  const keyRing = newKeyTurns(session)

  async function removeFamilies(request: PruneRequest): Promise<Removed> {
    const any = await session.send(endedSql(request, 1, session.now()))
    if (any.every(({ rows }) => rows.length === 0)) return NOTHING
    for (let attempt = 1; ; attempt += 1) {
      try {
        const removed = await removeSome(session, request, batchSize.of(request.limit))
        if (removed.chunks > 0) batchSize.grow()
        return removed
      } catch (error) {
        if (!isTooMuch(error) || !batchSize.shrink(request.limit) || attempt === ATTEMPTS_MAX) throw error
      }
    }
  }

  return async (request) => {
    await session.send(forgetSql(request, session.now()))
    const removed = await removeFamilies(request)
    return { ...removed, keys: await keyRing.turn(request.limit) }
  }
}

/** What goes by its own time. */
function forgetSql({ auditRetentionMs, limit }: PruneRequest, now: string): string[] {
  return [
    forgetSilentSql(now),
    forgetSharedSql(limit, now),
    ...(auditRetentionMs === undefined ? [] : [forgetAuditSql(auditRetentionMs, limit, now)]),
  ]
}

function removeSome(session: Session, request: PruneRequest, limit: number): Promise<Removed> {
  return session.transaction(async (transaction) => {
    const lock = endedSql(request, limit, session.now()).map((sql) => `${sql} for update skip locked`)
    const found = await transaction.send(lock)
    const removed = firstFew(found.flatMap((result) => rowsOf<Family>(result)).slice(0, limit))
    if (removed.length === 0) return NOTHING
    await transaction.finish(deletionSql(removed))
    return {
      chunks: removed.length,
      commands: removed.reduce((sum, { accepted }) => sum + accepted, 0),
    }
  })
}

/** Families that ended well, and those that did not. */
export function endedSql(
  { retentionMs, failedRetentionMs }: PruneRequest,
  limit: number,
  now: string,
): [string, string] {
  const ended = (badly: 0 | 1, keptMs: number): string => `
select seq, id, accepted from ${ENDED_CHUNKS}
where state = 'done' and open = 0 and ended_badly = ${badly} and ended_at <= ${now} - ${integer(keptMs)}
order by ended_at limit ${integer(limit)}`
  return [ended(0, retentionMs), ended(1, failedRetentionMs)]
}

export function deletionSql(families: readonly Family[]): string[] {
  const seqs = integerList(families.map(({ seq }) => seq))
  return [
    `delete parked from ${PARKED_BY_COMMAND} where chunk_id in ${textList(families.map(({ id }) => id))}`,
    `delete from spillway_results where seq in ${seqs}`,
    `delete spillway_chunks from ${CHUNKS_BY_SEQ} where seq in ${seqs}`,
  ]
}

function firstFew(families: readonly Family[]): Family[] {
  let commands = 0
  return families.filter(({ accepted }, place) => {
    commands += accepted
    return place === 0 || commands <= COMMANDS_MAX
  })
}

function isTooMuch(error: unknown): boolean {
  return isSpillwayError(error, 'store_unavailable') && TOO_MUCH.has(error.details.reason)
}
