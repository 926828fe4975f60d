// A spool as rows: who writes, what waits behind whom, what was put aside.

import type { RefusedEntry } from '../agent/index.js'
import type { QuarantinedSegment, WriterReport } from '../journal/index.js'
import { ago } from './age.js'
import { byteSize } from './byte-size.js'
import type { SpoolReport } from './read-spool.js'
import { type Column, writeTable } from './table.js'
import type { Terminal } from './terminal.js'

const WRITERS: readonly Column<WriterReport>[] = [
  { heading: 'writer', cell: ({ writerId }) => writerId },
  { heading: 'pid', cell: ({ process }) => String(process?.pid ?? ''), right: true },
  { heading: 'state', cell: ({ state }) => state },
  { heading: 'segments', cell: ({ segments }) => String(segments.length), right: true },
  { heading: 'size', cell: ({ bytes }) => byteSize(bytes), right: true },
  { heading: 'behind', cell: ({ backlogBytes }) => byteSize(backlogBytes), right: true },
  { heading: 'oldest', cell: ({ oldestAt }) => since(oldestAt), right: true },
]
const QUARANTINED: readonly Column<QuarantinedSegment>[] = [
  { heading: 'in quarantine', cell: ({ path }) => path },
  { heading: 'size', cell: ({ bytes }) => byteSize(bytes), right: true },
]
const REFUSED: readonly Column<RefusedEntry>[] = [
  { heading: 'put aside', cell: ({ path }) => path },
  { heading: 'commands', cell: ({ commands }) => String(commands ?? '?'), right: true },
  { heading: 'size', cell: ({ bytes }) => byteSize(bytes), right: true },
  { heading: 'since', cell: ({ refusedAt }) => since(refusedAt ?? null), right: true },
  { heading: 'reason', cell: ({ reason }) => reason ?? 'unknown' },
]

export function writeSpool({ out, messages }: Pick<Terminal, 'out' | 'messages'>, report: SpoolReport): void {
  const { writers, quarantined, refused, agent } = report
  messages.line(agent === null ? 'No agent ships this spool.' : `Process ${agent.pid} ships this spool.`)
  if (writers.length > 0) writeTable(out, WRITERS, writers)
  else messages.line('It holds no writer.')
  if (quarantined.length > 0) {
    out.line()
    writeTable(out, QUARANTINED, quarantined)
  }
  if (refused.length > 0) {
    out.line()
    writeTable(out, REFUSED, refused)
  }
}

function since(at: number | null): string {
  return at === null ? '' : ago(new Date(at).toISOString())
}
