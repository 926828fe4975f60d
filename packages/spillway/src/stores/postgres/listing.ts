// Pages of commands, newest first. A page looks at a bounded stretch of what is stored: where little of it matches, the page
// is short and says where to go on, instead of searching a million commands.

import {
  CHUNK_STATES,
  type CommandState,
  commandId,
  PAGE_ROWS_MAX,
  parseCommandId,
} from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { ListRequest, StoreReader } from '../../ports/index.js'
import type { Database } from './database.js'
import { newListedChunks } from './listed-chunks.js'
import { newListedRows } from './listed-rows.js'
import type { Cursor } from './stretch.js'

/** Before the first page: sorts after every id. */
const START: Cursor = { chunkId: 'f'.repeat(32), index: 1_000_000 }

/** States that commands have without a row; all others are found by their rows. */
const STATES_WITHOUT_ROW: ReadonlySet<CommandState> = new Set([...CHUNK_STATES, 'succeeded'])

export function newListing(db: Database): StoreReader['list'] {
  const listedRows = newListedRows(db)
  const listedChunks = newListedChunks(db)
  return async (request) => {
    const limit = Math.min(Math.max(1, Math.trunc(request.limit)), PAGE_ROWS_MAX)
    const from = cursorOf(request)
    const { state } = request
    const wanted = limit + 1
    const { commands, end } =
      state !== undefined && !STATES_WITHOUT_ROW.has(state)
        ? await listedRows(state, request, from, wanted)
        : await listedChunks(request, from, wanted)
    if (commands.length > limit) {
      const items = commands.slice(0, limit)
      return { items, next: items.at(-1)?.id ?? null }
    }
    return { items: commands, next: end === null ? null : commandId(end.chunkId, end.index) }
  }
}

function cursorOf({ after }: ListRequest): Cursor {
  if (after === undefined) return START
  const ref = parseCommandId(after)
  if (ref !== null) return ref
  throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
}
