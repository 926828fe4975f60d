// Reads a whole journal and says what of it can be read. It goes the way the agent goes and changes nothing: what a living writer is about
// to write is not there yet, what a dead one was about to is torn.

import type { Clock, Files, Processes } from '../ports/index.js'
import type { Damage } from './damage.js'
import { journalFailed } from './disk-error.js'
import { FrameCursor } from './frame-cursor.js'
import { listQuarantined } from './inspect.js'
import { READ_BYTES } from './limits.js'
import { isDead } from './liveness.js'
import { readMark } from './mark.js'
import { markPath } from './paths.js'
import { SegmentFolder } from './segment-folder.js'
import { listWriters, type WriterFolder } from './writers.js'

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
}

export interface VerifyReport {
  readonly spool: string
  readonly writers: readonly VerifyWriterReport[]
  /** Segments kept aside by a reader. */
  readonly quarantined: number
}

/** Reads every frame and checks it. Throws `journal_failed`, also when there is no such folder. */
export async function verifyJournal(options: VerifyOptions): Promise<VerifyReport> {
  const { files, spool } = options
  try {
    await files.list(spool)
    const writers: VerifyWriterReport[] = []
    for (const writer of await listWriters(files, spool)) writers.push(await verifyWriter(options, writer))
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
  let frames = 0
  let commands = 0
  const segments = await folder.segments()
  for (const segment of segments) bytes += await folder.bytesOf(segment)
  // What was left behind is not missing.
  const cursor = new FrameCursor(
    folder,
    { segment: 0, offset: 0, seq: 0 },
    { clock: options.clock, isStartKnown: false, onDamage: (damage) => void damages.push(damage) },
  )
  for (;;) {
    const step = await cursor.step(READ_BYTES)
    if (step.status === 'waiting' || step.status === 'ended') break
    if (step.status !== 'frames') continue
    frames += step.frames.length
    for (const { count } of step.frames) commands += count
  }
  await cursor.close()
  return { writerId, folder: path, segments: segments.length, bytes, frames, commands, damages }
}
