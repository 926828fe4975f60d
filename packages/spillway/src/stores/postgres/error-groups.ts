// Commands that ended alike, counted by what they ended with.

import { commandId, type ErrorRecord, PAGE_ROWS_MAX } from '../../domain/index.js'
import type { ErrorGroup, GroupRequest, StoreReader } from '../../ports/index.js'
import type { Database } from './database.js'
import { chunkIdOf } from './stored-commands.js'

const OF_STATE: Readonly<Record<GroupRequest['state'], string>> = {
  dead: "state = 'dead'",
  failed: "state = 'failed'",
}

// Counted from the index alone; only of those that are shown is a row read.
const groupsSql = (ofState: string): string => `
with groups as materialized (
  select fingerprint, type, queue, count(*) as count, min(finished_at) as first_at, max(finished_at) as last_at from @.parked
  where ${ofState} and fingerprint is not null and ($1::text is null or type = $1) and ($2::text is null or queue = $2)
  group by fingerprint, type, queue
  order by count(*) desc, max(finished_at) desc, fingerprint, type, queue limit $3
)
select groups.fingerprint, groups.type, groups.queue, groups.count::float8 as count, groups.first_at::float8 as first_at,
  groups.last_at::float8 as last_at, sample.chunk_id, sample.idx, sample.error
from groups cross join lateral (
  select chunk_id, idx from @.parked
  where ${ofState} and fingerprint = groups.fingerprint and type = groups.type and queue = groups.queue
    and finished_at = groups.last_at
  order by chunk_id desc, idx desc limit 1
) newest
join @.parked sample on sample.chunk_id = newest.chunk_id and sample.idx = newest.idx
order by groups.count desc, groups.last_at desc, groups.fingerprint, groups.type, groups.queue`

interface GroupRow {
  readonly fingerprint: string
  readonly type: string
  readonly queue: string
  readonly count: number
  readonly first_at: number
  readonly last_at: number
  readonly chunk_id: string
  readonly idx: number
  readonly error: string | null
}

export function newErrorGroups(db: Database): StoreReader['errorGroups'] {
  return async ({ state, type = null, queue = null, limit }) => {
    const wanted = Math.min(Math.max(1, Math.trunc(limit)), PAGE_ROWS_MAX)
    const rows = await db.queryAnew<GroupRow>(groupsSql(OF_STATE[state]), [type, queue, wanted])
    return rows.map(groupOf)
  }
}

function groupOf({ first_at, last_at, chunk_id, idx, error, ...group }: GroupRow): ErrorGroup {
  return {
    ...group,
    firstAt: first_at,
    lastAt: last_at,
    sampleId: commandId(chunkIdOf(chunk_id), idx),
    error: error === null ? NO_ERROR : (JSON.parse(error) as ErrorRecord),
  }
}

/** Of a row that was given a fingerprint without what failed. */
const NO_ERROR: ErrorRecord = { code: 'unknown', message: 'no error was kept' }
