// What is known of a spool without reading its frames: what its journals say, and what its agents have put aside.

import { listRefused, type RefusedEntry } from '../agent/index.js'
import { inspectJournal, type JournalReport, nodeFiles, nodeProcesses } from '../journal/index.js'
import { systemClock } from '../runtime/index.js'

export interface SpoolReport extends JournalReport {
  readonly refused: readonly RefusedEntry[]
}

/** Throws `journal_failed`, also when there is no such folder. */
export async function readSpool(spool: string): Promise<SpoolReport> {
  const parts = { files: nodeFiles, processes: nodeProcesses, clock: systemClock }
  const report = await inspectJournal({ ...parts, spool })
  return { ...report, refused: await listRefused(nodeFiles, spool) }
}
