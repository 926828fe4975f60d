// Commands that failed alike, counted from an index that has nothing else in it.

import { commandId, type ErrorRecord } from '../../domain/index.js'
import type { ErrorGroup, GroupRequest } from '../../ports/index.js'
import type { SqliteStatement, SqliteTx } from './client.js'

/** Inside a read transaction. */
export type ErrorGroups = (request: GroupRequest) => ErrorGroup[]

interface Group {
  readonly fingerprint: string
  readonly queue: string
  readonly type: string
  readonly count: number
  readonly first_at: number
  readonly last_at: number
}

interface Sample {
  readonly chunk_id: string
  readonly idx: number
  readonly error: string
}

/** Groups of one answer at most. */
const GROUPS_MAX = 1_000

export function prepareErrorGroups(db: SqliteTx): ErrorGroups {
  const groups = { dead: prepareGroups(db, 'dead'), failed: prepareGroups(db, 'failed') }
  const sample = db.prepare(`
    select chunk_id, idx, error from spillway_parked
    where state = ?1 and (state = 'dead' or state = 'failed') and fingerprint = ?2 and queue = ?3 and type = ?4
      and finished_at = ?5
    order by chunk_id desc, idx desc limit 1`)
  return ({ state, type = null, queue = null, limit }) => {
    const bounded = Math.min(Math.max(0, Math.trunc(limit)), GROUPS_MAX)
    return (groups[state].all(queue, type, bounded) as Group[]).map((group) => {
      const { fingerprint, count, first_at: firstAt, last_at: lastAt } = group
      const found = sample.get(state, fingerprint, group.queue, group.type, lastAt) as Sample
      return {
        ...{ fingerprint, type: group.type, queue: group.queue, count, firstAt, lastAt },
        sampleId: commandId(found.chunk_id, found.idx),
        error: JSON.parse(found.error) as ErrorRecord,
      }
    })
  }
}

/** The state is part of the text, or the planner could not know that the partial index holds it. */
function prepareGroups(db: SqliteTx, state: GroupRequest['state']): SqliteStatement {
  return db.prepare(`
    select fingerprint, queue, type, count(*) as count, min(finished_at) as first_at, max(finished_at) as last_at
    from spillway_parked
    where state = '${state}' and fingerprint is not null
      and (?1 is null or queue = ?1) and (?2 is null or type = ?2)
    group by fingerprint, queue, type
    order by count desc, last_at desc, fingerprint, queue, type limit ?3`)
}
