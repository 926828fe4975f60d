// Nodes as rows: where each runs, what it does, and whether it still does.

import { ago } from './age.js'
import { jsonLine } from './printable.js'
import { type Column, writeTable } from './table.js'
import type { NodeRecord } from './target/records.js'
import type { Terminal } from './terminal.js'

const COLUMNS: readonly Column<NodeRecord>[] = [
  { heading: 'node', cell: ({ id }) => id },
  { heading: 'host', cell: ({ host }) => host },
  { heading: 'pid', cell: ({ pid }) => String(pid), right: true },
  { heading: 'version', cell: ({ version }) => version },
  { heading: 'state', cell: ({ alive }) => (alive ? 'alive' : 'silent') },
  { heading: 'roles', cell: ({ roles }) => roles.join(',') },
  { heading: 'holds', cell: ({ holds }) => holds.join(',') },
  { heading: 'seen', cell: ({ seenAt }) => ago(seenAt), right: true },
  { heading: 'up', cell: ({ startedAt }) => ago(startedAt), right: true },
]

export function writeNodes(
  { out, messages }: Pick<Terminal, 'out' | 'messages'>,
  nodes: readonly NodeRecord[],
  json: boolean,
): void {
  if (json) for (const node of nodes) out.line(jsonLine(node))
  else if (nodes.length > 0) writeTable(out, COLUMNS, nodes)
  else messages.line('No process works on this store.')
}
