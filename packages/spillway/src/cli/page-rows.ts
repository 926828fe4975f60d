// A listing as rows, page by page, so that a long list needs no more memory than a page.

import { PAGE_ROWS_MAX } from '../domain/index.js'
import { jsonLine } from './printable.js'
import { type Column, writeTable } from './table.js'
import type { RecordPage } from './target/operator.js'
import type { Terminal } from './terminal.js'

export interface PagePlan {
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

export type ReadPage<Row> = (request: {
  readonly after?: string
  readonly limit: number
}) => Promise<RecordPage<Row>>

export interface Listing<Row> extends PagePlan {
  readonly read: ReadPage<Row>
  readonly columns: readonly Column<Row>[]
}

/** A table, or with `json` one line per row. */
export async function writePages<Row>(
  { out, unread }: Pick<Terminal, 'out' | 'unread'>,
  { read, columns, limit, cursor }: Listing<Row>,
  json: boolean,
): Promise<Listed> {
  let rows = 0
  for (let after = cursor; ; ) {
    const { items, next } = await read({
      ...(after === undefined ? {} : { after }),
      limit: Math.min(limit - rows, PAGE_ROWS_MAX),
    })
    if (json) for (const row of items) out.line(jsonLine(row))
    else if (items.length > 0) writeTable(out, columns, items, { heading: rows === 0 })
    rows += items.length
    if (next === null || rows >= limit || unread.aborted) return { rows, next }
    after = next
  }
}
