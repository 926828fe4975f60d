// Pages of commands, newest first. A page looks at a bounded stretch of what is stored: where little of it matches, the page
// is short and says where to go on, instead of searching a million commands while everything else waits.

import { commandId, PAGE_ROWS_MAX, parseCommandId } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { CommandView, ListRequest } from '../../ports/index.js'
import type { SqliteStatement, SqliteTx } from './client.js'
import {
  CHUNK_COLUMNS,
  type Family,
  familyOf,
  ROW_SOURCE,
  type RowRecord,
  type StoredCommand,
  stateOf,
} from './commands.js'
import { commandView, rowView } from './view.js'

export interface Page {
  readonly items: readonly CommandView[]
  readonly next: string | null
}

export interface Listing {
  /** Inside a read transaction. */
  list(request: ListRequest): Page
}

/** Chunks and rows that one page looks at. */
const CHUNKS_PER_PAGE_MAX = 1_000
const ROWS_PER_PAGE_MAX = 10_000
/** Chunks read at once: a page is often full after the first few. */
const CHUNKS_PER_READ = 20

/** A place in the order of ids; what follows is older. */
interface Cursor {
  readonly chunkId: string
  readonly index: number
}

/** Before the first page: sorts after every id. */
const START: Cursor = { chunkId: '~', index: 0 }

/** Matches within the stretch, and where it ends; null at the end of everything. */
interface Stretch {
  readonly commands: Iterable<CommandView>
  readonly end: Cursor | null
}

/** States that only rows have: found by index. The others are looked for chunk by chunk. */
const ROW_STATES: ReadonlySet<string> = new Set(['scheduled', 'retrying', 'failed', 'dead', 'cancelled'])

/** Chunks that may hold a command of the state. */
const CHUNK_FILTERS: Readonly<Record<string, string>> = {
  accepted: "(state = 'ready' or open > 0)",
  running: "(state = 'leased' or open > 0)",
  succeeded: `(succeeded > 0 or exists (
    select 1 from spillway_parked where chunk_id = id and spillway_parked.state = 'succeeded'))`,
}

export function prepareListing(db: SqliteTx): Listing {
  const resultAt = db.prepare('select result from spillway_results where seq = ?1 and idx = ?2')
  const rowsOf = db.prepare(`${ROW_SOURCE} where parked.chunk_id = ?1`)
  const endOfChunks = db.prepare(`
    select id from spillway_chunks where id <= ?1 order by id desc limit 1 offset ${CHUNKS_PER_PAGE_MAX - 1}`)
  const endOfRows = db.prepare(`
    select chunk_id, idx from spillway_parked where state = ?1 and (chunk_id, idx) < (?2, ?3)
    order by chunk_id desc, idx desc limit 1 offset ${ROWS_PER_PAGE_MAX - 1}`)
  const rowsOfState = db.prepare(`${ROW_SOURCE}
    where parked.state = ?1 and (parked.chunk_id, parked.idx) < (?2, ?3) and (parked.chunk_id, parked.idx) >= (?4, ?5)
      and parked.queue = coalesce(?6, parked.queue) and parked.type = coalesce(?7, parked.type)
    order by parked.chunk_id desc, parked.idx desc limit ?8`)
  const chunksByFilter = new Map<string, SqliteStatement>()

  function chunksWith(filter: string): SqliteStatement {
    let statement = chunksByFilter.get(filter)
    if (statement === undefined) {
      statement = db.prepare(`
        select ${CHUNK_COLUMNS} from spillway_chunks
        where id < ?1 and id >= ?2 and promoted = 0 and queue = coalesce(?3, queue) and type = coalesce(?4, type) and ${filter}
        order by id desc limit ${CHUNKS_PER_READ}`)
      chunksByFilter.set(filter, statement)
    }
    return statement
  }

  function rowStretch(request: ListRequest, from: Cursor, limit: number): Stretch {
    const { state = '', queue = null, type = null } = request
    const last = endOfRows.get(state, from.chunkId, from.index) as RowRecord | undefined
    const end = last === undefined ? null : { chunkId: last.chunk_id, index: last.idx }
    const until = end ?? { chunkId: '', index: 0 }
    const rows = rowsOfState.all(
      ...[state, from.chunkId, from.index, until.chunkId, until.index, queue, type, limit],
    ) as RowRecord[]
    return { commands: rows.map(rowView), end }
  }

  function chunkStretch(request: ListRequest, from: Cursor): Stretch {
    const last = endOfChunks.get(from.chunkId) as { id: string } | undefined
    const end = last === undefined ? null : { chunkId: last.id, index: 0 }
    return { commands: matching(request, from, last?.id ?? ''), end }
  }

  /** Chunks from the cursor's, which may be half done, to the last one. */
  function* chunksBetween(
    { state, queue, type }: ListRequest,
    from: Cursor,
    last: string,
  ): Generator<Family> {
    const statement = chunksWith(state === undefined ? '1' : (CHUNK_FILTERS[state] ?? '0'))
    let before = `${from.chunkId}~`
    for (;;) {
      const chunks = statement.all(before, last, queue ?? null, type ?? null) as Family[]
      for (const chunk of chunks) yield familyOf(chunk)
      if (chunks.length < CHUNKS_PER_READ) return
      before = (chunks.at(-1) as Family).id
    }
  }

  function* matching(request: ListRequest, from: Cursor, last: string): Generator<CommandView> {
    for (const chunk of chunksBetween(request, from, last)) {
      for (const command of commandsBefore(chunk, from)) {
        if (request.state === undefined || command.state === request.state) yield viewOf(command)
      }
    }
  }

  function* commandsBefore(chunk: Family, from: Cursor): Generator<StoredCommand> {
    const rows = new Map((rowsOf.all(chunk.id) as RowRecord[]).map((row) => [row.idx, row]))
    const last = chunk.id === from.chunkId ? Math.min(chunk.size, from.index) : chunk.size
    for (let index = last - 1; index >= 0; index -= 1) {
      if (chunk.absentees.has(index)) continue
      const row = rows.get(index) ?? null
      yield { chunk, index, row, state: stateOf(chunk, index, row) }
    }
  }

  function viewOf(command: StoredCommand): CommandView {
    if (command.row !== null) return rowView(command.row)
    const found = resultAt.get(command.chunk.seq, command.index) as { result: string } | undefined
    return commandView(command, found?.result ?? null)
  }

  return {
    list(request) {
      const limit = Math.min(Math.max(1, Math.trunc(request.limit)), PAGE_ROWS_MAX)
      const from = cursorOf(request.after)
      const byRows = request.state !== undefined && ROW_STATES.has(request.state)
      return fill(byRows ? rowStretch(request, from, limit + 1) : chunkStretch(request, from), limit)
    },
  }
}

function fill({ commands, end }: Stretch, limit: number): Page {
  const items: CommandView[] = []
  for (const command of commands) {
    if (items.length === limit) return { items, next: items.at(-1)?.id ?? null }
    items.push(command)
  }
  return { items, next: end === null ? null : commandId(end.chunkId, end.index) }
}

function cursorOf(after: string | undefined): Cursor {
  if (after === undefined) return START
  const ref = parseCommandId(after)
  if (ref !== null) return ref
  throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
}
