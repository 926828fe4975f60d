// Listing the states that only rows have: found by index, however much else is stored. Commands that wait for something else than to be
// run keep their state while a chunk carries them: these are two kinds of rows, read side by side.

import type { CommandState, Stage } from '../../domain/index.js'
import type { CommandView, ListRequest } from '../../ports/index.js'
import { type RowRecord, rowsOfTable } from './commands.js'
import type { Connection } from './connection.js'
import { PARKED_BY_STATE } from './indexes.js'
import { select } from './select.js'
import { integer, text } from './sql-text.js'
import type { Cursor, Stretch } from './stretch.js'
import { rowView } from './view.js'

/** Rows that one page looks at, of each kind. */
const ROWS_PER_PAGE_MAX = 10_000

const STAGES: Partial<Record<CommandState, Stage>> = {
  reconciling: 'reconcile',
  pending: 'poll',
  compensating: 'compensate',
}

/** Rows that show the state: conditions on their columns, each found by the index of states. */
export function kindsOf(state: CommandState): string[] {
  const stage = STAGES[state]
  const resting = `parked.state = '${state}'`
  return stage === undefined
    ? [resting]
    : [resting, `parked.state = 'promoted' and parked.stage = '${stage}'`]
}

/** `limit` is how many matches are wanted at most. */
export async function listRows(
  db: Connection,
  state: CommandState,
  request: ListRequest,
  from: Cursor,
  limit: number,
): Promise<Stretch> {
  const kinds = kindsOf(state)
  const ends = (await db.send(kinds.map((kind) => endOfRowsSql(kind, from)))).flatMap(({ rows }) => rows)
  const end = ends.map(cursorOf).sort(newestFirst)[0] ?? null
  const sources = kinds.map((kind) => matchingRowsSql(kind, request, from, end, limit))
  const found: RowRecord[] = []
  for (const source of sources) found.push(...(await select<RowRecord>(db, source)))
  const commands = found.sort((a, b) => newestFirst(cursorOf(a), cursorOf(b))).slice(0, limit)
  return { commands: commands.map(rowView) satisfies CommandView[], end }
}

export function endOfRowsSql(kind: string, from: Cursor): string {
  return `
select parked.chunk_id, parked.idx from ${PARKED_BY_STATE}
where ${kind} and ${beyond('<', from)}
order by parked.chunk_id desc, parked.idx desc limit 1 offset ${ROWS_PER_PAGE_MAX - 1}`
}

export function matchingRowsSql(
  kind: string,
  { queue, type, fingerprint }: ListRequest,
  from: Cursor,
  end: Cursor | null,
  limit: number,
): string {
  const wanted = [
    ...(queue === undefined ? [] : [`parked.queue = ${text(queue)}`]),
    ...(type === undefined ? [] : [`parked.type = ${text(type)}`]),
    ...(fingerprint === undefined ? [] : [`parked.fingerprint = ${text(fingerprint)}`]),
  ]
  const within = end === null ? [] : [beyond('>=', end)]
  return `${rowsOfTable(PARKED_BY_STATE)}
where ${[kind, beyond('<', from), ...within, ...wanted].join(' and ')}
order by parked.chunk_id desc, parked.idx desc limit ${integer(limit)}`
}

function cursorOf(row: Readonly<Record<string, unknown>> | RowRecord): Cursor {
  return { chunkId: String(row.chunk_id), index: Number(row.idx) }
}

function newestFirst(a: Cursor, b: Cursor): number {
  return a.chunkId === b.chunkId ? b.index - a.index : a.chunkId < b.chunkId ? 1 : -1
}

/** A comparison of two columns at once would not be looked up in the index. */
function beyond(comparison: '<' | '>=', { chunkId, index }: Cursor): string {
  const id = text(chunkId)
  return `(parked.chunk_id ${comparison[0]} ${id} or (parked.chunk_id = ${id} and parked.idx ${comparison} ${integer(index)}))`
}
