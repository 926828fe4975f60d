// Listing the states that only rows have: found by index, however much else is stored.

import type { CommandState } from '../../domain/index.js'
import type { ListRequest } from '../../ports/index.js'
import { ROW_SOURCE, type RowRecord } from './commands.js'
import type { Connection } from './connection.js'
import { select } from './select.js'
import { integer, text } from './sql-text.js'
import type { Cursor, Stretch } from './stretch.js'
import { rowView } from './view.js'

/** Rows that one page looks at. */
const ROWS_PER_PAGE_MAX = 10_000

/** `limit` is how many matches are wanted at most. */
export async function listRows(
  db: Connection,
  state: CommandState,
  request: ListRequest,
  from: Cursor,
  limit: number,
): Promise<Stretch> {
  const [last] = await select<Pick<RowRecord, 'chunk_id' | 'idx'>>(db, endOfRowsSql(state, from))
  const end = last === undefined ? null : { chunkId: last.chunk_id, index: last.idx }
  const rows = await select<RowRecord>(db, matchingRowsSql(state, request, from, end, limit))
  return { commands: rows.map(rowView), end }
}

export function endOfRowsSql(state: CommandState, from: Cursor): string {
  return `
select parked.chunk_id, parked.idx from spillway_parked parked
where parked.state = '${state}' and ${beyond('<', from)}
order by parked.chunk_id desc, parked.idx desc limit 1 offset ${ROWS_PER_PAGE_MAX - 1}`
}

export function matchingRowsSql(
  state: CommandState,
  { queue, type }: ListRequest,
  from: Cursor,
  end: Cursor | null,
  limit: number,
): string {
  return `${ROW_SOURCE}
where parked.state = '${state}' and ${beyond('<', from)}${end === null ? '' : ` and ${beyond('>=', end)}`}${
    queue === undefined ? '' : ` and parked.queue = ${text(queue)}`
  }${type === undefined ? '' : ` and parked.type = ${text(type)}`}
order by parked.chunk_id desc, parked.idx desc limit ${integer(limit)}`
}

/** A comparison of two columns at once would not be looked up in the index. */
function beyond(comparison: '<' | '>=', { chunkId, index }: Cursor): string {
  const id = text(chunkId)
  return `(parked.chunk_id ${comparison[0]} ${id} or (parked.chunk_id = ${id} and parked.idx ${comparison} ${integer(index)}))`
}
