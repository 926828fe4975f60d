// Commands as rows of a listing, page by page, so that a long list needs no more memory than a page.

import { PAGE_ROWS_MAX } from '../domain/index.js'
import type { ListRequest } from '../ports/index.js'
import { jsonLine } from './printable.js'
import { type Column, writeTable } from './table.js'
import type { CommandRecord } from './target/records.js'
import type { Target } from './target/target.js'
import type { Terminal } from './terminal.js'

export interface ListPlan {
  readonly filter: Omit<ListRequest, 'limit' | 'after'>
  /** Rows at most. */
  readonly limit: number
  /** Continue behind this id. */
  readonly cursor: string | undefined
}

export interface Listed {
  readonly rows: number
  /** Where the list goes on; null at its end. */
  readonly next: string | null
}

const COLUMNS: readonly Column<CommandRecord>[] = [
  { heading: 'id', cell: ({ id }) => id },
  { heading: 'state', cell: ({ state }) => state },
  { heading: 'type', cell: ({ type }) => type },
  { heading: 'queue', cell: ({ queue }) => queue },
  { heading: 'attempts', cell: ({ attempts }) => String(attempts), right: true },
  { heading: 'accepted', cell: ({ acceptedAt }) => acceptedAt },
  { heading: 'error', cell: ({ error }) => (error === null ? '' : `${error.code}: ${error.message}`) },
]

export async function writeCommands(
  target: Target,
  { out, unread }: Terminal,
  plan: ListPlan,
  json: boolean,
): Promise<Listed> {
  let rows = 0
  for await (const page of commandPages(target, plan)) {
    if (json) for (const record of page.items) out.line(jsonLine(record))
    else if (page.items.length > 0) writeTable(out, COLUMNS, page.items, { heading: rows === 0 })
    rows += page.items.length
    if (unread.aborted || rows >= plan.limit) return { rows, next: page.next }
  }
  return { rows, next: null }
}

export interface CommandPage {
  readonly items: readonly CommandRecord[]
  readonly next: string | null
}

/** Pages until there are `limit` commands or no more. */
export async function* commandPages(
  target: Target,
  { filter, limit, cursor }: ListPlan,
): AsyncGenerator<CommandPage> {
  let after = cursor
  for (let left = limit; left > 0; ) {
    const page = await target.list({
      ...filter,
      ...(after === undefined ? {} : { after }),
      limit: Math.min(left, PAGE_ROWS_MAX),
    })
    yield page
    if (page.next === null) return
    left -= page.items.length
    after = page.next
  }
}
