// Everything that can still be read, whoever has seen it before: for the day on which a disk has gone bad and every frame counts. What is
// put in again is recognised by its chunk id where it has arrived already.

import { basename } from 'node:path'
import type { Files } from '../ports/index.js'
import { isMissing, journalFailed } from './disk-error.js'
import { listQuarantined } from './inspect.js'
import { SEGMENT_HEADER_BYTES } from './layout.js'
import { READ_BYTES } from './limits.js'
import { parseQuarantinedName } from './paths.js'
import { SegmentFolder } from './segment-folder.js'
import { SegmentReader } from './segment-reader.js'
import { listWriters, lookAtWriter, retired, type WriterFolder } from './writers.js'

export interface SalvageReport {
  readonly segments: number
  readonly frames: number
  readonly commands: number
  /** Bytes that could not be read. */
  readonly unreadableBytes: number
}

export interface SalvageOptions {
  readonly files: Files
  readonly spool: string
  /** Gets every payload; the next one is read once it has resolved. */
  readonly take: (payload: Uint8Array) => Promise<void> | void
}

/** Hands out the payload of every frame that is still there, shipped or not, those of quarantined segments included. Changes nothing. Throws `journal_failed`. */
export async function salvageJournal({ files, spool, take }: SalvageOptions): Promise<SalvageReport> {
  const sum = { segments: 0, frames: 0, commands: 0, unreadableBytes: 0 }
  for await (const reader of onDisk(spool, segmentsOf(files, spool))) {
    sum.segments += 1
    try {
      for await (const part of onDisk(spool, partsOf(reader))) {
        if ('unreadableBytes' in part) sum.unreadableBytes += part.unreadableBytes
        else {
          sum.frames += 1
          sum.commands += part.count
          await take(part.payload)
        }
      }
    } finally {
      await reader.close()
    }
  }
  return sum
}

async function* segmentsOf(files: Files, spool: string): AsyncGenerator<SegmentReader> {
  await files.list(spool)
  for (const writer of await listWriters(files, spool)) {
    const segments = await lookAtWriter(files, writer, (found) => folderOf(files, found).segments())
    for (const segment of segments ?? []) {
      const reader =
        (await folderOf(files, writer).open(segment)) ??
        (await folderOf(files, retired(writer)).open(segment))
      if (reader !== null) yield reader
    }
  }
  // Last: what an agent put aside meanwhile is found here.
  for (const { path } of await listQuarantined(files, spool)) {
    const name = parseQuarantinedName(basename(path))
    const reader = name === null ? null : await ifThere(SegmentReader.open(files, path, name))
    if (reader !== null) yield reader
  }
}

function folderOf(files: Files, writer: WriterFolder): SegmentFolder {
  return new SegmentFolder(files, writer.folder, writer)
}

async function ifThere<T>(opening: Promise<T>): Promise<T | null> {
  try {
    return await opening
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

type Part = { readonly payload: Uint8Array; readonly count: number } | { readonly unreadableBytes: number }

async function* partsOf(reader: SegmentReader): AsyncGenerator<Part> {
  for (let offset = SEGMENT_HEADER_BYTES; ; ) {
    const { frames, end, stop } = await reader.read(offset, READ_BYTES)
    for (const { header, payload } of frames) yield { payload, count: header.count }
    offset = end
    if (stop === 'more') continue
    if (stop === 'rolled' || stop === 'closed' || stop === 'end') return
    const { good, at } = await reader.findGood(end + 1)
    yield { unreadableBytes: at - end }
    if (good === null) return
    offset = at
  }
}

/** Tells the disk's errors from those of whoever takes the payloads. */
async function* onDisk<T>(spool: string, source: AsyncGenerator<T>): AsyncGenerator<T> {
  for (;;) {
    let next: IteratorResult<T>
    try {
      next = await source.next()
    } catch (error) {
      throw journalFailed(`The journal's folder ${spool} could not be read`, error)
    }
    if (next.done === true) return
    yield next.value
  }
}
