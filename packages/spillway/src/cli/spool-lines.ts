// Spools in a few words each: what has not got into the store yet, and whether anybody takes it there.

import { ago } from './age.js'
import { byteSize } from './byte-size.js'
import { type Column, writeTable } from './table.js'
import type { SpoolRecord } from './target/spool-records.js'
import type { Terminal } from './terminal.js'

const COLUMNS: readonly Column<SpoolRecord>[] = [
  { heading: 'spool', cell: ({ spool }) => spool },
  { heading: 'waiting', cell: ({ waitingBytes }) => byteSize(waitingBytes), right: true },
  { heading: 'oldest', cell: ({ oldestAt }) => (oldestAt === null ? '' : ago(oldestAt)), right: true },
  { heading: 'agent', cell: ({ agentPid }) => (agentPid === null ? 'none' : `process ${agentPid}`) },
  { heading: 'put aside', cell: ({ putAside, quarantined }) => String(putAside + quarantined), right: true },
]

export function writeSpools(out: Terminal['out'], spools: readonly SpoolRecord[]): void {
  if (spools.length === 0) return
  out.line()
  writeTable(out, COLUMNS, spools)
}

/** Something waits, and nobody ships it. */
export function isStuck({ waitingBytes, agentPid }: SpoolRecord): boolean {
  return waitingBytes > 0 && agentPid === null
}
