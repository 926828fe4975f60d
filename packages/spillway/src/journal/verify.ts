// Reads a whole journal and says what of it can be read. It goes the way the agent goes and changes nothing: what a living writer is about
// to write is not there yet, what a dead one was about to is torn.

import type { Clock, Files, Processes } from '../ports/index.js'
import { readCheckpoint } from './checkpoint.js'
import type { Damage } from './damage.js'
import { journalFailed } from './disk-error.js'
import type { Position } from './frame.js'
import { FrameCursor } from './frame-cursor.js'
import { listQuarantined } from './inspect.js'
import { READ_BYTES } from './limits.js'
import { isDead } from './liveness.js'
import { readMark } from './mark.js'
import { markPath } from './paths.js'
import { SegmentFolder } from './segment-folder.js'
import { listWriters, lookAtWriter, type WriterFolder } from './writers.js'

export interface VerifyOptions {
  readonly files: Files
  readonly processes: Processes
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
  readonly spool: string
}

export interface VerifyWriterReport {
  readonly writerId: string
  readonly folder: string
  readonly segments: number
  readonly bytes: number
  readonly frames: number
  readonly commands: number
  readonly damages: readonly Damage[]
  /** At the very end, where its writer may be in the middle of a write: neither readable nor damaged yet. */
  readonly undecidedBytes: number
}

export interface VerifyReport {
  readonly spool: string
  readonly writers: readonly VerifyWriterReport[]
  /** Segments kept aside by a reader. */
  readonly quarantined: number
}

/** Reads every frame and checks it; what is removed meanwhile has been shipped. Throws `journal_failed`, also when there is no such folder. */
export async function verifyJournal(options: VerifyOptions): Promise<VerifyReport> {
  const { files, spool } = options
  try {
    await files.list(spool)
    const writers: VerifyWriterReport[] = []
    for (const writer of await listWriters(files, spool)) {
      const report = await lookAtWriter(files, writer, (found) => verifyWriter(options, found))
      if (report !== null) writers.push(report)
    }
    return { spool, writers, quarantined: (await listQuarantined(files, spool)).length }
  } catch (error) {
    throw journalFailed(`The journal's folder ${spool} could not be read`, error)
  }
}

async function verifyWriter(options: VerifyOptions, writer: WriterFolder): Promise<VerifyWriterReport> {
  const { files } = options
  const { writerId, folder: path } = writer
  const mark = await readMark(files, markPath(path))
  const isOver = writer.isRetired || (await isDead(options, mark, [markPath(path), path]))
  const folder = new SegmentFolder(files, path, { writerId, isRetired: isOver })
  const damages: Damage[] = []
  let bytes = 0
  const segments = await folder.segments()
  for (const segment of segments) bytes += await folder.bytesOf(segment)
  // What was left behind is not missing.
  const start = { segment: 0, offset: 0, seq: 0 }
  const cursor = new FrameCursor(folder, start, {
    ...{ clock: options.clock, isStartKnown: false, suspicionMs: 0 },
    onDamage: async (damage) => {
      if (!(await wasLeftBehind(files, path, damage))) damages.push(damage)
    },
  })
  try {
    const read = await readToEnd(cursor)
    const undecidedBytes = cursor.isEnded ? 0 : await bytesBehind(folder, cursor.place)
    return { writerId, folder: path, segments: segments.length, bytes, ...read, damages, undecidedBytes }
  } finally {
    await cursor.close()
  }
}

/** A writer writes in order: what is unreadable at two looks, with something readable behind it, was not read in the middle of a write. */
async function readToEnd(cursor: FrameCursor): Promise<{ frames: number; commands: number }> {
  let frames = 0
  let commands = 0
  for (let isSecondLook = false; ; ) {
    const step = await cursor.step(READ_BYTES)
    if (step.status === 'ended' || (step.status === 'waiting' && isSecondLook)) return { frames, commands }
    isSecondLook = step.status === 'waiting'
    if (step.status !== 'frames') continue
    frames += step.frames.length
    for (const { count } of step.frames) commands += count
  }
}

/** Segments that an agent removed while this one before them was read. */
async function wasLeftBehind(files: Files, path: string, { kind, segment, to }: Damage): Promise<boolean> {
  if (kind !== 'missing' || to > 0) return false
  const read = await readCheckpoint(files, path)
  return read.status === 'found' && read.position.segment >= segment
}

async function bytesBehind(folder: SegmentFolder, { segment, offset }: Position): Promise<number> {
  return Math.max(0, (await folder.bytesOf(segment)) - offset)
}
