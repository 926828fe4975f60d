// Listing the states that only rows have: found by index, however much else is stored.

import type { CommandState } from '../../domain/index.js'
import type { CommandView, ListRequest } from '../../ports/index.js'
import type { Database } from './database.js'
import { chunkIdOf, PARKED_COLUMNS } from './stored-commands.js'
import type { Cursor, Stretch } from './stretch.js'
import { type LoneRecord, rowView } from './view.js'

/** Rows that one page looks at where they must be searched for a queue or a type. */
const ROWS_PER_PAGE_MAX = 10_000

/** `limit` is how many matches are wanted at most. */
export type ListedRows = (
  state: CommandState,
  request: ListRequest,
  from: Cursor,
  limit: number,
) => Promise<Stretch>

const ALIKE = ' and fingerprint = $7'

interface Found {
  readonly looked: number
  readonly last_chunk_id: string | null
  readonly last_idx: number | null
  readonly row: LoneRecord | null
}

/** State and condition are part of the text, or the planner could not know that the partial index holds them. */
const listedRowsSql = (state: CommandState, alike: string): string => `
with stretch as materialized (
  select chunk_id, idx, queue, type from @.parked where state = '${state}' and (chunk_id, idx) < ($1::uuid, $2::integer)${alike}
  order by chunk_id desc, idx desc limit $3
), found as (
  select chunk_id, idx from stretch
  where ($4::text is null or queue = $4) and ($5::text is null or type = $5)
  order by chunk_id desc, idx desc limit $6
)
select looked, last_chunk_id, last_idx, row_to_json(matching) as row
from (
  select count(*)::integer as looked, (select chunk_id from stretch order by chunk_id, idx limit 1) as last_chunk_id,
    (select idx from stretch order by chunk_id, idx limit 1) as last_idx
  from stretch
) whole
left join lateral (
  select parked.chunk_id, parked.queue, parked.type, parked.priority, ${PARKED_COLUMNS}
  from found join @.parked parked using (chunk_id, idx) left join @.chunks carriers on carriers.seq = parked.carrier
) matching on true
order by matching.chunk_id desc, matching.idx desc`

export function newListedRows(db: Database): ListedRows {
  return async (state, { queue = null, type = null, fingerprint }, from, limit) => {
    const stretchMax = queue === null && type === null ? limit : ROWS_PER_PAGE_MAX
    const values = [from.chunkId, from.index, stretchMax, queue, type, limit]
    const rows =
      fingerprint === undefined
        ? await db.queryAnew<Found>(listedRowsSql(state, ''), values)
        : await db.queryAnew<Found>(listedRowsSql(state, ALIKE), [...values, fingerprint])
    const commands = rows.flatMap(({ row }): CommandView[] => (row === null ? [] : [rowView(row)]))
    return { commands, end: endOf(rows[0] as Found, stretchMax) }
  }
}

function endOf({ looked, last_chunk_id, last_idx }: Found, stretchMax: number): Cursor | null {
  if (looked < stretchMax || last_chunk_id === null || last_idx === null) return null
  return { chunkId: chunkIdOf(last_chunk_id), index: last_idx }
}
