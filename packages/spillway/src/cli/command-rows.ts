// Commands as rows: one look at them wherever they are listed, dead ones and others.

import type { ListRequest } from '../ports/index.js'
import { type Listed, type PagePlan, writePages } from './page-rows.js'
import type { Column } from './table.js'
import type { CommandRecord } from './target/records.js'
import type { Target } from './target/target.js'
import type { Terminal } from './terminal.js'

export interface ListPlan extends PagePlan {
  readonly filter: Omit<ListRequest, 'limit' | 'after'>
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

export function writeCommands(
  target: Target,
  terminal: Terminal,
  { filter, ...plan }: ListPlan,
  json: boolean,
): Promise<Listed> {
  const read = (page: { after?: string; limit: number }) => target.list({ ...filter, ...page })
  return writePages(terminal, { ...plan, read, columns: COLUMNS }, json)
}
