// What is in a spool, for an operator: who writes, who ships, how much waits, what was kept because it could not be read.

import { join } from 'node:path'
import type { Clock, Files, Processes, ProcessMark } from '../ports/index.js'
import { measureBacklog } from './backlog.js'
import { readCheckpoint } from './checkpoint.js'
import { journalFailed } from './disk-error.js'
import type { Position } from './frame.js'
import { isDead } from './liveness.js'
import { readMark } from './mark.js'
import { markPath, parseQuarantinedName, quarantineFolder, segmentPath } from './paths.js'
import { SegmentFolder } from './segment-folder.js'
import { lockHolder } from './spool-lock.js'
import { listWriters, lookAtWriter, namesIn, type WriterFolder } from './writers.js'

export interface SegmentReport {
  readonly segment: number
  readonly path: string
  readonly bytes: number
}

export interface WriterReport {
  readonly writerId: string
  readonly folder: string
  /** `retired`: the agent has taken it for dead and reads its end. `unknown`: its process cannot be seen from here. */
  readonly state: 'alive' | 'dead' | 'unknown' | 'retired'
  readonly process: ProcessMark | null
  readonly segments: readonly SegmentReport[]
  /** All segments. */
  readonly bytes: number
  /** Everything before it was left behind; null when that is nothing, or cannot be read. */
  readonly checkpoint: Position | null
  /** Behind the checkpoint: still to be shipped. */
  readonly backlogBytes: number
  readonly oldestAt: number | null
}

export interface QuarantinedSegment {
  readonly path: string
  readonly bytes: number
}

export interface JournalReport {
  readonly spool: string
  readonly writers: readonly WriterReport[]
  /** Segments in which something could not be read, kept for salvage. */
  readonly quarantined: readonly QuarantinedSegment[]
  /** Who ships it, if somebody does. */
  readonly agent: ProcessMark | null
}

export interface InspectOptions {
  readonly files: Files
  readonly processes: Processes
  readonly clock: Pick<Clock, 'now'>
  readonly spool: string
}

const START: Position = { segment: 0, offset: 0, seq: 0 }

/** What is there, without reading the segments; what is removed meanwhile is not there. Changes nothing. Throws `journal_failed`, also when there is no such folder. */
export async function inspectJournal(options: InspectOptions): Promise<JournalReport> {
  const { files, spool } = options
  try {
    const agent = await lockHolder(options)
    const writers: WriterReport[] = []
    for (const writer of await listWriters(files, spool)) {
      const report = await lookAtWriter(files, writer, (found) => inspectWriter(options, found))
      if (report !== null) writers.push(report)
    }
    return { spool, writers, quarantined: await listQuarantined(files, spool), agent }
  } catch (error) {
    throw journalFailed(`The journal's folder ${spool} could not be read`, error)
  }
}

async function inspectWriter(options: InspectOptions, writer: WriterFolder): Promise<WriterReport> {
  const { files } = options
  const { writerId, folder: path, isRetired } = writer
  const folder = new SegmentFolder(files, path, writer)
  const mark = await readMark(files, markPath(path))
  const read = await readCheckpoint(files, path)
  const checkpoint = read.status === 'found' ? read.position : null
  const backlog = await measureBacklog(folder, checkpoint ?? START)
  const segments: SegmentReport[] = []
  for (const segment of await folder.segments()) {
    const info = await files.info(segmentPath(path, segment))
    if (info !== null) segments.push({ segment, path: segmentPath(path, segment), bytes: info.bytes })
  }
  return {
    writerId,
    folder: path,
    state: isRetired ? 'retired' : await stateOf(options, mark, path),
    process: mark,
    segments,
    bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
    checkpoint,
    backlogBytes: backlog.bytes,
    oldestAt: backlog.oldestAt,
  }
}

async function stateOf(
  options: InspectOptions,
  mark: ProcessMark | null,
  folder: string,
): Promise<WriterReport['state']> {
  if (await isDead(options, mark, [markPath(folder), folder])) return 'dead'
  return mark === null ? 'unknown' : await options.processes.state(mark)
}

/** Segments kept aside in a spool. */
export async function listQuarantined(files: Files, spool: string): Promise<QuarantinedSegment[]> {
  const folder = quarantineFolder(spool)
  const quarantined: QuarantinedSegment[] = []
  for (const name of await namesIn(files, folder)) {
    if (parseQuarantinedName(name) === null) continue
    const path = join(folder, name)
    const info = await files.info(path)
    if (info !== null) quarantined.push({ path, bytes: info.bytes })
  }
  return quarantined
}
