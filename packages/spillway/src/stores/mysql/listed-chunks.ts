// Listing the states that commands have without a row of their own: chunk by chunk, skipping chunks that cannot hold any.

import type { CommandView, ListRequest } from '../../ports/index.js'
import {
  CHUNK_COLUMNS,
  type ChunkRow,
  type Family,
  familyOf,
  idOf,
  memberOf,
  type RowRecord,
  readResults,
  rowsById,
  rowsSql,
  STATE_SOURCE,
  type StateRecord,
  type StoredCommand,
} from './commands.js'
import type { Connection } from './connection.js'
import { select } from './select.js'
import { text, textList } from './sql-text.js'
import type { Cursor, Stretch } from './stretch.js'
import { commandView } from './view.js'

/** Chunks that one page looks at. */
const CHUNKS_PER_PAGE_MAX = 1_000
/** Chunks read at once: a page is often full after the first few. */
const CHUNKS_PER_READ = 20

/** What of a row decides whether its command is on the page. */
type Glimpse = StateRecord & Pick<RowRecord, 'fingerprint'>
type Listed = StoredCommand<Glimpse>

const ANY = '1 = 1'
/** Chunks that may hold a command of the state. */
const FILTERS: Readonly<Record<string, string>> = {
  accepted: "(state = 'ready' or open > 0)",
  running: "(state = 'leased' or open > 0)",
  succeeded: `(succeeded > 0 or exists (
    select 1 from spillway_parked parked where parked.chunk_id = id and parked.state = 'succeeded'))`,
}

export function endOfChunksSql(from: Cursor): string {
  return `select id from spillway_chunks where id <= ${text(from.chunkId)}
order by id desc limit 1 offset ${CHUNKS_PER_PAGE_MAX - 1}`
}

/** Chunks with ids from `last` to below `before`. */
export function matchingChunksSql({ state, queue, type }: ListRequest, before: string, last: string): string {
  return `
select ${CHUNK_COLUMNS} from spillway_chunks
where id < ${text(before)} and id >= ${text(last)} and promoted = 0${
    queue === undefined ? '' : ` and queue = ${text(queue)}`
  }${type === undefined ? '' : ` and type = ${text(type)}`} and ${state === undefined ? ANY : (FILTERS[state] ?? ANY)}
order by id desc limit ${CHUNKS_PER_READ}`
}

/** `limit` is how many matches are wanted at most. */
export async function listChunks(
  db: Connection,
  request: ListRequest,
  from: Cursor,
  limit: number,
): Promise<Stretch> {
  const [last] = await select<{ id: string }>(db, endOfChunksSql(from))
  const end = last === undefined ? null : { chunkId: last.id, index: 0 }
  const found: Listed[] = []
  for await (const chunks of chunksFrom(db, request, from, last?.id ?? '')) {
    for (const command of await commandsOf(db, chunks, from)) {
      if (matches(command, request)) found.push(command)
    }
    if (found.length >= limit) break
  }
  return { commands: await viewsOf(db, found.slice(0, limit)), end }
}

function matches({ state, row }: Listed, request: ListRequest): boolean {
  if (request.state === undefined) return true
  const { fingerprint } = request
  return state === request.state && (fingerprint === undefined || row?.fingerprint === fingerprint)
}

/** Chunks from the cursor's, which may be half done, to the last one of the stretch, some at a time. */
async function* chunksFrom(
  db: Connection,
  request: ListRequest,
  from: Cursor,
  last: string,
): AsyncGenerator<Family[]> {
  let before = `${from.chunkId}~`
  for (;;) {
    const chunks = (await select<ChunkRow>(db, matchingChunksSql(request, before, last))).map(familyOf)
    if (chunks.length > 0) yield chunks
    if (chunks.length < CHUNKS_PER_READ) return
    before = (chunks.at(-1) as Family).id
  }
}

/** The chunks' commands that follow the cursor. Of their rows only what their states need: most of them are not on the page. */
async function commandsOf(db: Connection, chunks: readonly Family[], from: Cursor): Promise<Listed[]> {
  const ids = textList(chunks.map(({ id }) => id))
  const byId = rowsById(await select<Glimpse>(db, `${STATE_SOURCE} where parked.chunk_id in ${ids}`))
  return chunks.flatMap((chunk) => {
    const beyond = chunk.id === from.chunkId ? Math.min(chunk.size, from.index) : chunk.size
    const commands: Listed[] = []
    for (let index = beyond - 1; index >= 0; index -= 1) {
      const command = memberOf(chunk, index, byId)
      if (command !== null) commands.push(command)
    }
    return commands
  })
}

async function viewsOf(db: Connection, listed: readonly Listed[]): Promise<CommandView[]> {
  const refs = listed.flatMap(({ chunk, index, row }) => (row === null ? [] : [{ chunkId: chunk.id, index }]))
  const rows = rowsById(refs.length === 0 ? [] : await select<RowRecord>(db, rowsSql(refs)))
  const commands = listed.map((command) => memberOf(command.chunk, command.index, rows) as StoredCommand)
  const results = await readResults(db, commands)
  return commands.map((command) => commandView(command, results.get(idOf(command)) ?? null))
}
