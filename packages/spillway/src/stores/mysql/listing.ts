// Pages of commands, newest first. A page looks at a bounded stretch of what is stored: where little of it matches, the page
// is short and says where to go on, instead of searching a million commands.

import {
  type CommandState,
  commandId,
  PAGE_ROWS_MAX,
  PARKED_STATES,
  parseCommandId,
  TERMINAL_STATES,
} from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { CommandView, ListRequest } from '../../ports/index.js'
import type { Connection } from './connection.js'
import { listChunks } from './listed-chunks.js'
import { listRows } from './listed-rows.js'
import type { Cursor, Stretch } from './stretch.js'

export interface Page {
  readonly items: readonly CommandView[]
  readonly next: string | null
}

/** Before the first page: sorts after every id. */
const START: Cursor = { chunkId: '~', index: 0 }

/** States that only rows have. */
const ROW_STATES: ReadonlySet<CommandState> = new Set([
  ...PARKED_STATES,
  ...TERMINAL_STATES.filter((state) => state !== 'succeeded'),
])

/** In a snapshot. */
export async function listCommands(db: Connection, request: ListRequest): Promise<Page> {
  const limit = Math.min(Math.max(1, Math.trunc(request.limit)), PAGE_ROWS_MAX)
  const from = cursorOf(request.after)
  const { state } = request
  const stretch =
    state !== undefined && ROW_STATES.has(state)
      ? await listRows(db, state, request, from, limit + 1)
      : await listChunks(db, request, from, limit + 1)
  return pageOf(stretch, limit)
}

function pageOf({ commands, end }: Stretch, limit: number): Page {
  const items = commands.slice(0, limit)
  if (commands.length > limit) return { items, next: items.at(-1)?.id ?? null }
  return { items, next: end === null ? null : commandId(end.chunkId, end.index) }
}

function cursorOf(after: string | undefined): Cursor {
  if (after === undefined) return START
  const ref = parseCommandId(after)
  if (ref !== null) return ref
  throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
}
