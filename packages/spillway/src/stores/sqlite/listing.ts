// Pages of commands, newest first. A page looks at a bounded stretch of what is stored: where little of it matches, the page
// is short and says where to go on, instead of searching a million commands while everything else waits.

import { type CommandState, commandId, PAGE_ROWS_MAX, parseCommandId } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { CommandView, ListRequest } from '../../ports/index.js'
import type { SqliteTx } from './client.js'
import { prepareListedChunks } from './listed-chunks.js'
import { prepareListedRows } from './listed-rows.js'
import type { Cursor, Stretch } from './stretch.js'

export interface Page {
  readonly items: readonly CommandView[]
  readonly next: string | null
}

export interface Listing {
  /** Inside a read transaction. */
  list(request: ListRequest): Page
}

/** Before the first page: sorts after every id. */
const START: Cursor = { chunkId: '~', index: 0 }

/** States that only rows have. */
const ROW_STATES: ReadonlySet<CommandState> = new Set([
  'scheduled',
  'retrying',
  'reconciling',
  'pending',
  'blocked',
  'compensating',
  'failed',
  'dead',
  'cancelled',
  'compensated',
])

export function prepareListing(db: SqliteTx): Listing {
  const listedRows = prepareListedRows(db)
  const listedChunks = prepareListedChunks(db)
  return {
    list(request) {
      const limit = Math.min(Math.max(1, Math.trunc(request.limit)), PAGE_ROWS_MAX)
      const from = cursorOf(request.after)
      const { state } = request
      const stretch =
        state !== undefined && ROW_STATES.has(state)
          ? listedRows(state, request, from, limit + 1)
          : listedChunks(request, from)
      return pageOf(stretch, limit)
    },
  }
}

function pageOf({ commands, end }: Stretch, limit: number): Page {
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
