// Listing the states that only rows have: found by index, however much else is stored.

import type { CommandState } from '../../domain/index.js'
import type { ListRequest } from '../../ports/index.js'
import type { SqliteStatement, SqliteTx } from './client.js'
import { ROW_SOURCE, type RowRecord } from './commands.js'
import type { Cursor, Stretch } from './stretch.js'
import { rowView } from './view.js'

/** Rows that one page looks at. */
const ROWS_PER_PAGE_MAX = 10_000

/** `limit` is how many matches are wanted at most. */
export type ListedRows = (state: CommandState, request: ListRequest, from: Cursor, limit: number) => Stretch

interface Statements {
  readonly endOfStretch: SqliteStatement
  readonly matching: SqliteStatement
}

export function prepareListedRows(db: SqliteTx): ListedRows {
  const byState = new Map<CommandState, Statements>()

  function statementsFor(state: CommandState): Statements {
    let statements = byState.get(state)
    if (statements === undefined) {
      statements = prepare(db, state)
      byState.set(state, statements)
    }
    return statements
  }

  return (state, { queue = null, type = null, fingerprint = null }, from, limit) => {
    const { endOfStretch, matching } = statementsFor(state)
    const last = endOfStretch.get(from.chunkId, from.index) as RowRecord | undefined
    const end = last === undefined ? null : { chunkId: last.chunk_id, index: last.idx }
    const until = end ?? { chunkId: '', index: 0 }
    const rows = matching.all(
      ...[from.chunkId, from.index, until.chunkId, until.index, queue, type, limit, fingerprint],
    ) as RowRecord[]
    return { commands: rows.map(rowView), end }
  }
}

/** The state is part of the text, or the planner could not know that the partial index holds it. */
function prepare(db: SqliteTx, state: CommandState): Statements {
  return {
    endOfStretch: db.prepare(`
      select chunk_id, idx from spillway_parked where state = '${state}' and (chunk_id, idx) < (?1, ?2)
      order by chunk_id desc, idx desc limit 1 offset ${ROWS_PER_PAGE_MAX - 1}`),
    matching: db.prepare(`${ROW_SOURCE}
      where parked.state = '${state}'
        and (parked.chunk_id, parked.idx) < (?1, ?2) and (parked.chunk_id, parked.idx) >= (?3, ?4)
        and parked.queue = coalesce(?5, parked.queue) and parked.type = coalesce(?6, parked.type)
        and (?8 is null or parked.fingerprint = ?8)
      order by parked.chunk_id desc, parked.idx desc limit ?7`),
  }
}
