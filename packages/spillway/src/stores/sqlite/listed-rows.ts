// Listing the states that only rows have: found by index, however much else is stored.

import type { ListRequest } from '../../ports/index.js'
import type { SqliteTx } from './client.js'
import { ROW_SOURCE, type RowRecord } from './commands.js'
import type { Cursor, Stretch } from './listing.js'
import { rowView } from './view.js'

/** Rows that one page looks at. */
const ROWS_PER_PAGE_MAX = 10_000

/** `limit` is how many matches are wanted at most. */
export type ListedRows = (request: ListRequest, from: Cursor, limit: number) => Stretch

export function prepareListedRows(db: SqliteTx): ListedRows {
  const endOfStretch = db.prepare(`
    select chunk_id, idx from spillway_parked where state = ?1 and (chunk_id, idx) < (?2, ?3)
    order by chunk_id desc, idx desc limit 1 offset ${ROWS_PER_PAGE_MAX - 1}`)
  const matching = db.prepare(`${ROW_SOURCE}
    where parked.state = ?1 and (parked.chunk_id, parked.idx) < (?2, ?3) and (parked.chunk_id, parked.idx) >= (?4, ?5)
      and parked.queue = coalesce(?6, parked.queue) and parked.type = coalesce(?7, parked.type)
    order by parked.chunk_id desc, parked.idx desc limit ?8`)

  return ({ state = '', queue = null, type = null }, from, limit) => {
    const last = endOfStretch.get(state, from.chunkId, from.index) as RowRecord | undefined
    const end = last === undefined ? null : { chunkId: last.chunk_id, index: last.idx }
    const until = end ?? { chunkId: '', index: 0 }
    const rows = matching.all(
      ...[state, from.chunkId, from.index, until.chunkId, until.index, queue, type, limit],
    ) as RowRecord[]
    return { commands: rows.map(rowView), end }
  }
}
