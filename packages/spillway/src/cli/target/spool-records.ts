// What waits in the spools of this host. It is in no store yet, so no queue counts it.

import { namedSpools } from '../../agent/index.js'
import type { ResolvedQueue } from '../../config/index.js'
import { nodeFiles, type WriterReport } from '../../journal/index.js'
import { readSpool } from '../read-spool.js'

export interface SpoolRecord {
  readonly spool: string
  /** Of frames that are behind no checkpoint yet. */
  readonly waitingBytes: number
  /** Of the oldest of them, ISO 8601. */
  readonly oldestAt: string | null
  readonly writers: number
  /** The process that ships it. */
  readonly agentPid: number | null
  /** Frames that nobody takes, and segments that could not be read. */
  readonly putAside: number
  readonly quarantined: number
}

/** Of the spools that exist: a journal makes its own when it is written first. */
export async function spoolRecords(queues: Iterable<ResolvedQueue>): Promise<readonly SpoolRecord[]> {
  const records: SpoolRecord[] = []
  for (const spool of namedSpools(queues))
    if ((await nodeFiles.info(spool))?.isFolder === true) records.push(await recordOf(spool))
  return records
}

async function recordOf(spool: string): Promise<SpoolRecord> {
  const { writers, quarantined, agent, refused } = await readSpool(spool)
  return {
    spool,
    waitingBytes: writers.reduce((sum, { backlogBytes }) => sum + backlogBytes, 0),
    oldestAt: oldestOf(writers),
    writers: writers.length,
    agentPid: agent?.pid ?? null,
    putAside: refused.length,
    quarantined: quarantined.length,
  }
}

function oldestOf(writers: readonly WriterReport[]): string | null {
  const times = writers.flatMap(({ oldestAt }) => (oldestAt === null ? [] : [oldestAt]))
  return times.length === 0 ? null : new Date(Math.min(...times)).toISOString()
}
