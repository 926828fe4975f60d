// Listing the states that commands have without a row of their own: chunk by chunk, skipping chunks that cannot hold any.

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
import type { Cursor, Stretch } from './stretch.js'
import { commandView } from './view.js'

/** Chunks that one page looks at. */
const CHUNKS_PER_PAGE_MAX = 1_000
/** Chunks read at once: a page is often full after the first few. */
const CHUNKS_PER_READ = 20

const ANY = '1'
/** Chunks that may hold a command of the state. */
const FILTERS: Readonly<Record<string, string>> = {
  accepted: "(state = 'ready' or open > 0)",
  running: "(state = 'leased' or open > 0)",
  succeeded: `(succeeded > 0 or exists (
    select 1 from spillway_parked where chunk_id = id and spillway_parked.state = 'succeeded'))`,
}

export type ListedChunks = (request: ListRequest, from: Cursor) => Stretch

export function prepareListedChunks(db: SqliteTx): ListedChunks {
  const endOfStretch = db.prepare(`
    select id from spillway_chunks where id <= ?1 order by id desc limit 1 offset ${CHUNKS_PER_PAGE_MAX - 1}`)
  const statements = new Map<string, SqliteStatement>()
  const commandsBefore = prepareCommandsBefore(db)

  function chunksWith(filter: string): SqliteStatement {
    let statement = statements.get(filter)
    if (statement === undefined) {
      statement = db.prepare(`
        select ${CHUNK_COLUMNS} from spillway_chunks
        where id < ?1 and id >= ?2 and promoted = 0 and queue = coalesce(?3, queue) and type = coalesce(?4, type)
          and ${filter}
        order by id desc limit ${CHUNKS_PER_READ}`)
      statements.set(filter, statement)
    }
    return statement
  }

  /** Chunks from the cursor's, which may be half done, to the last one of the stretch. */
  function* chunksFrom({ state, queue, type }: ListRequest, from: Cursor, last: string): Generator<Family> {
    const statement = chunksWith(state === undefined ? ANY : (FILTERS[state] ?? ANY))
    let before = `${from.chunkId}~`
    for (;;) {
      const chunks = statement.all(before, last, queue ?? null, type ?? null) as Family[]
      for (const chunk of chunks) yield familyOf(chunk)
      if (chunks.length < CHUNKS_PER_READ) return
      before = (chunks.at(-1) as Family).id
    }
  }

  function* matching(request: ListRequest, from: Cursor, last: string): Generator<CommandView> {
    for (const chunk of chunksFrom(request, from, last)) {
      for (const command of commandsBefore(chunk, from)) {
        if (fits(command, request)) yield command.view()
      }
    }
  }

  return (request, from) => {
    const last = endOfStretch.get(from.chunkId) as { id: string } | undefined
    const end = last === undefined ? null : { chunkId: last.id, index: 0 }
    return { commands: matching(request, from, last?.id ?? ''), end }
  }
}

function fits({ state, row }: StoredCommand, request: ListRequest): boolean {
  if (request.state !== undefined && state !== request.state) return false
  return request.fingerprint === undefined || row?.fingerprint === request.fingerprint
}

interface Listed extends StoredCommand {
  view(): CommandView
}

/** Commands of a chunk that follow the cursor. */
function prepareCommandsBefore(db: SqliteTx): (chunk: Family, from: Cursor) => Generator<Listed> {
  const rowsOf = db.prepare(`${ROW_SOURCE} where parked.chunk_id = ?1`)
  const resultAt = db.prepare('select result from spillway_results where seq = ?1 and idx = ?2')

  function viewOf(command: StoredCommand): CommandView {
    const found = command.row === null ? resultAt.get(command.chunk.seq, command.index) : undefined
    return commandView(command, (found as { result: string } | undefined)?.result ?? null)
  }

  return function* (chunk, from) {
    const rows = new Map((rowsOf.all(chunk.id) as RowRecord[]).map((row) => [row.idx, row]))
    const beyond = chunk.id === from.chunkId ? Math.min(chunk.size, from.index) : chunk.size
    for (let index = beyond - 1; index >= 0; index -= 1) {
      if (chunk.absentees.has(index)) continue
      const row = rows.get(index) ?? null
      const command = { chunk, index, row, state: stateOf(chunk, index, row) }
      yield { ...command, view: () => viewOf(command) }
    }
  }
}
