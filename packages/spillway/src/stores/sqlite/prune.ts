// Removing what has outlived its retention. A family goes as a whole: its chunk and all its rows, once every command of it
// ended long enough ago. Keys go by their own expiry.

import type { PruneReport, PruneRequest } from '../../ports/index.js'
import { prepareOldAudit } from './audit.js'
import type { SqliteTx } from './client.js'
import { prepareKeyGroups } from './key-groups.js'
import { prepareLoneKeys } from './lone-keys.js'
import { prepareSilentNodes } from './nodes.js'
import { prepareExpiredShared } from './shared.js'

export interface Pruner {
  /** Inside a read transaction. */
  hasWork(request: PruneRequest, now: number): boolean
  /** Inside a write transaction. */
  prune(request: PruneRequest, now: number): PruneReport
}

/** Commands that one call removes at most, beyond the first family: their bodies are many pages. */
const COMMANDS_MAX = 10_000

interface Family {
  readonly seq: number
  readonly id: string
  readonly accepted: number
}

const ENDED = "state = 'done' and open = 0 and unsuccessful = 0 and ended_at <= ?1"
const ENDED_BADLY = "state = 'done' and open = 0 and unsuccessful > 0 and ended_at <= ?1"
/** Its key, if it is alone, was collected. */
const COLLECTED = '(lone_key is null or seq <= ?3)'

export function preparePruner(db: SqliteTx): Pruner {
  const keys = prepareKeyGroups(db)
  const loneKeys = prepareLoneKeys(db)
  const silentNodes = prepareSilentNodes(db)
  const expiredShared = prepareExpiredShared(db)
  const oldAudit = prepareOldAudit(db)
  const families = [ENDED, ENDED_BADLY].map((ended) =>
    db.prepare(
      `select seq, id, accepted from spillway_chunks where ${ended} and ${COLLECTED} order by ended_at limit ?2`,
    ),
  )
  const deletions = ['spillway_chunks', 'spillway_bodies', 'spillway_results'].map((table) =>
    db.prepare(`delete from ${table} where seq = ?1`),
  )
  const deleteRows = db.prepare('delete from spillway_parked where chunk_id = ?1')

  function ended(
    { retentionMs, failedRetentionMs }: PruneRequest,
    limit: number,
    now: number,
    collectedSeq: number,
  ): Family[] {
    const found: Family[] = []
    for (const [place, keptMs] of [retentionMs, failedRetentionMs].entries()) {
      const until = now - Math.trunc(keptMs)
      found.push(...((families[place]?.all(until, limit - found.length, collectedSeq) ?? []) as Family[]))
    }
    return found
  }

  return {
    hasWork: (request, now) =>
      loneKeys.any() ||
      ended(request, 1, now, Number.MAX_SAFE_INTEGER).length > 0 ||
      keys.anyExpired(now) ||
      silentNodes.any(now) ||
      expiredShared.any(now) ||
      oldAudit.any(auditUntil(request, now)),
    prune(request, now) {
      silentNodes.forget(now)
      expiredShared.remove(now, request.limit)
      oldAudit.remove(auditUntil(request, now), request.limit)
      const removed = firstFew(ended(request, request.limit, now, loneKeys.collect()))
      for (const { seq, id } of removed) {
        deleteRows.run(id)
        for (const deletion of deletions) deletion.run(seq)
      }
      if (removed.length > 0) loneKeys.chunksRemoved()
      return {
        chunks: removed.length,
        commands: removed.reduce((sum, { accepted }) => sum + accepted, 0),
        keys: keys.prune(now, request.limit),
      }
    },
  }
}

/** Before any time, when audit rows are kept. */
function auditUntil({ auditRetentionMs }: PruneRequest, now: number): number {
  return auditRetentionMs === undefined ? Number.MIN_SAFE_INTEGER : now - Math.trunc(auditRetentionMs)
}

function firstFew(families: readonly Family[]): Family[] {
  let commands = 0
  return families.filter(({ accepted }, place) => {
    commands += accepted
    return place === 0 || commands <= COMMANDS_MAX
  })
}
