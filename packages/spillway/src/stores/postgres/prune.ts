// Removing what has outlived its retention. A family goes as a whole: its chunk and all its rows, once every command of it
// ended long enough ago. Keys go by their own expiry (key-ring.ts). A step that takes too long for a busy database is made
// smaller, and grows back once steps succeed.

import { isSpillwayError } from '../../errors/index.js'
import type { PruneReport, PruneRequest } from '../../ports/index.js'
import { REMOVE_OLD_AUDIT } from './audit.js'
import { type Database, nowSql } from './database.js'
import { newKeyRing } from './key-ring.js'
import { FORGET_SILENT_NODES } from './nodes.js'
import { FORGET_SHARED } from './shared.js'

/** Commands that one call removes at most, beyond the first family: their bodies are many pages. */
const COMMANDS_MAX = 10_000
/** Families of the smallest step. */
const STEP_MIN = 8

const ENDED = "state = 'done' and open = 0 and unsuccessful = 0"
const ENDED_BADLY = "state = 'done' and open = 0 and unsuccessful > 0"

/** What others hold is left for later, so that nobody waits and maintainers share the work. */
const removeFamilies = (ended: string): string => `
with ended as materialized (
  select seq, id, accepted from @.chunks where ${ended} and ended_at <= (select ${nowSql(1)}) - $2::bigint
  order by ended_at limit $3 for update skip locked
), chosen as materialized (
  select seq, id, accepted from (
    select *, sum(accepted) over (order by seq) as commands, row_number() over (order by seq) as rank from ended
  ) ranked where rank = 1 or commands <= $4::bigint
), rows as (
  delete from @.parked using chosen where parked.chunk_id = chosen.id
), results as (
  delete from @.results using chosen where results.seq = chosen.seq
), bodies as (
  delete from @.bodies using chosen where bodies.seq = chosen.seq
), chunks as (
  delete from @.chunks using chosen where chunks.seq = chosen.seq returning chosen.accepted
)
select count(*) as chunks, coalesce(sum(accepted), 0)::bigint as commands from chunks`

const REMOVE_ENDED = removeFamilies(ENDED)
const REMOVE_ENDED_BADLY = removeFamilies(ENDED_BADLY)

type Removed = Pick<PruneReport, 'chunks' | 'commands'>

export function newPruner(db: Database): (request: PruneRequest) => Promise<PruneReport> {
  const keyRing = newKeyRing(db)
  let stepMax = Number.POSITIVE_INFINITY

  async function remove(sql: string, keptMs: number, limit: number, commandsMax: number): Promise<Removed> {
    if (limit === 0) return { chunks: 0, commands: 0 }
    const step = Math.min(limit, stepMax)
    try {
      const [removed] = await db.queryAnew<Removed>(sql, [db.now(), Math.trunc(keptMs), step, commandsMax])
      if (removed?.chunks === step) stepMax = Math.max(stepMax, step * 2)
      return removed as Removed
    } catch (error) {
      if (tookTooLong(error)) stepMax = Math.max(STEP_MIN, Math.trunc(step / 2))
      throw error
    }
  }

  /** Besides the commands. */
  async function forget({ auditRetentionMs, limit }: PruneRequest): Promise<void> {
    await db.query(FORGET_SILENT_NODES, [db.now()])
    await db.queryAnew(FORGET_SHARED, [db.now(), limit])
    if (auditRetentionMs === undefined) return
    await db.queryAnew(REMOVE_OLD_AUDIT, [db.now(), Math.trunc(auditRetentionMs), limit])
  }

  return async (request) => {
    const { retentionMs, failedRetentionMs, limit } = request
    await forget(request)
    const ended = await remove(REMOVE_ENDED, retentionMs, limit, COMMANDS_MAX)
    const left = limit - ended.chunks
    const badly = await remove(REMOVE_ENDED_BADLY, failedRetentionMs, left, COMMANDS_MAX - ended.commands)
    return {
      chunks: ended.chunks + badly.chunks,
      commands: ended.commands + badly.commands,
      keys: await keyRing.removeExpired(limit),
    }
  }
}

function tookTooLong(error: unknown): boolean {
  return isSpillwayError(error, 'store_unavailable') && error.details.reason === 'timeout'
}
