// The dead place of a spool: frames that no destination will ever take, each in a file of its own with the reason, for a person to look at
// and to send again. A frame is here before the checkpoint passes over it.

import { createHash } from 'node:crypto'
import { withBallast } from '../journal/index.js'
import type { Files } from '../ports/index.js'
import { REASON_LENGTH_MAX } from './limits.js'

/** In the spool folder, beside the writers' folders. */
const REFUSED_FOLDER = 'refused'
const SUFFIX = '.frame'
/** Bytes of the first line at most: the reason is cut long before. */
const NOTE_BYTES_MAX = 8 * 1024
/** Hex digits of the payload's digest that name its file. */
const NAME_DIGITS = 32
const LINE_FEED = 0x0a

export interface RefusedNote {
  readonly reason: string
  readonly writer: string
  readonly commands: number
  /** ms since the epoch. */
  readonly writtenAt: number
  readonly refusedAt: number
}

export interface RefusedEntry extends Partial<RefusedNote> {
  readonly path: string
  /** Of the payload. */
  readonly bytes: number
}

/** Resolves once it is safe. The same payload is kept once. */
export async function keepRefused(
  files: Files,
  spool: string,
  payload: Uint8Array,
  note: RefusedNote,
): Promise<string> {
  const folder = `${spool}/${REFUSED_FOLDER}`
  await withBallast(files, spool, () => ensureFolder(files, spool, folder))
  const digest = createHash('sha256').update(payload).digest('hex').slice(0, NAME_DIGITS)
  const path = `${folder}/${digest}${SUFFIX}`
  if ((await files.info(path)) === null)
    // A full disk gets room only once the frames behind this one may be left behind.
    await withBallast(files, spool, () => write(files, path, payload, note))
  await files.syncFolder(folder)
  return path
}

export async function countRefused(files: Files, spool: string): Promise<number> {
  return (await refusedPaths(files, spool)).length
}

/** Oldest first. */
export async function listRefused(files: Files, spool: string): Promise<readonly RefusedEntry[]> {
  const entries: RefusedEntry[] = []
  for (const path of await refusedPaths(files, spool)) {
    // Whoever has looked into one may take it away.
    if ((await files.info(path)) !== null) entries.push((await readRefused(files, path)).entry)
  }
  return entries.sort((a, b) => (a.refusedAt ?? 0) - (b.refusedAt ?? 0) || (a.path < b.path ? -1 : 1))
}

interface RefusedFile {
  readonly entry: RefusedEntry
  payload(): Promise<Uint8Array>
}

export async function readRefused(files: Files, path: string): Promise<RefusedFile> {
  const bytesTotal = (await files.info(path))?.bytes ?? 0
  const head = await readRange(files, path, 0, Math.min(bytesTotal, NOTE_BYTES_MAX))
  const noteEnd = head.indexOf(LINE_FEED)
  const bytes = bytesTotal - noteEnd - 1
  return {
    entry: { path, bytes, ...noteOf(head.subarray(0, Math.max(0, noteEnd))) },
    payload: () => readRange(files, path, noteEnd + 1, bytes),
  }
}

async function refusedPaths(files: Files, spool: string): Promise<string[]> {
  const folder = `${spool}/${REFUSED_FOLDER}`
  if ((await files.info(folder)) === null) return []
  const names = await files.list(folder)
  return names.filter((name) => name.endsWith(SUFFIX)).map((name) => `${folder}/${name}`)
}

async function ensureFolder(files: Files, spool: string, folder: string): Promise<void> {
  if ((await files.info(folder)) !== null) return
  try {
    await files.makeFolder(folder)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error
  }
  await files.syncFolder(spool)
}

/** Under its name only once all of it is safe. */
async function write(files: Files, path: string, payload: Uint8Array, note: RefusedNote): Promise<void> {
  const unfinished = `${path}.unfinished`
  if ((await files.info(unfinished)) !== null) await files.remove(unfinished)
  const line = Buffer.from(
    `${JSON.stringify({ ...note, reason: note.reason.slice(0, REASON_LENGTH_MAX) })}\n`,
  )
  const file = await files.open(unfinished, 'create')
  try {
    await file.write(line, 0)
    await file.write(payload, line.byteLength)
    await file.sync()
  } finally {
    await file.close()
  }
  await files.rename(unfinished, path)
}

async function readRange(files: Files, path: string, at: number, bytes: number): Promise<Uint8Array> {
  const file = await files.open(path, 'read')
  try {
    const into = new Uint8Array(bytes)
    return into.subarray(0, await file.read(into, at))
  } finally {
    await file.close()
  }
}

/** A file that somebody else put there has none. */
function noteOf(line: Uint8Array): Partial<RefusedNote> {
  try {
    return JSON.parse(new TextDecoder().decode(line)) as RefusedNote
  } catch {
    return {}
  }
}
