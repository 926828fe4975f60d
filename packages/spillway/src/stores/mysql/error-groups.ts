// Commands that failed alike, counted from an index; what the newest of each group failed with is looked up for those that are shown.

import { commandId, type ErrorRecord, PAGE_ROWS_MAX } from '../../domain/index.js'
import type { ErrorGroup, GroupRequest } from '../../ports/index.js'
import type { Connection } from './connection.js'
import { PARKED_ALIKE } from './indexes.js'
import { rowsOf, select } from './select.js'
import { integer, text } from './sql-text.js'

interface GroupRow {
  readonly fingerprint: string
  readonly type: string
  readonly queue: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
}

interface Sample {
  readonly chunk_id: string
  readonly idx: number
  readonly error: string | null
}

/** Most commands first. In a snapshot. */
export async function readErrorGroups(db: Connection, request: GroupRequest): Promise<ErrorGroup[]> {
  const groups = await select<GroupRow>(db, groupsSql(request))
  if (groups.length === 0) return []
  const found = await db.send(groups.map((group) => sampleSql(request.state, group)))
  return groups.map((group, place) => {
    const [sample] = rowsOf<Sample>(found[place] as (typeof found)[number])
    const { chunk_id, idx, error } = sample as Sample
    return { ...group, sampleId: commandId(chunk_id, idx), error: errorOf(error) }
  })
}

export function groupsSql({ state, type, queue, limit }: GroupRequest): string {
  const count = Math.min(Math.max(1, Math.trunc(limit)), PAGE_ROWS_MAX)
  return `
select fingerprint, type, queue, count(*) as count, min(finished_at) as firstAt, max(finished_at) as lastAt
from ${PARKED_ALIKE}
where state = '${state}' and fingerprint is not null${type === undefined ? '' : ` and type = ${text(type)}`}${
    queue === undefined ? '' : ` and queue = ${text(queue)}`
  }
group by fingerprint, type, queue order by count desc, lastAt desc, fingerprint limit ${integer(count)}`
}

export function sampleSql(
  state: GroupRequest['state'],
  { fingerprint, type, queue, lastAt }: GroupRow,
): string {
  return `
select chunk_id, idx, error from ${PARKED_ALIKE}
where state = '${state}' and fingerprint = ${text(fingerprint)} and type = ${text(type)} and queue = ${text(queue)}
  and finished_at = ${integer(lastAt)}
order by chunk_id desc, idx desc limit 1`
}

/** A row may have been grouped by whoever wrote it without an error. */
function errorOf(error: string | null): ErrorRecord {
  return error === null ? { code: 'internal', message: '' } : (JSON.parse(error) as ErrorRecord)
}
