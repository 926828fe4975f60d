// Who has a folder in a spool: every process that writes, or wrote and was not read to its end yet.

import { basename, join } from 'node:path'
import type { Files } from '../ports/index.js'
import { isMissing } from './disk-error.js'
import { parseWriterName, retiredFolder, type WriterName } from './paths.js'

export interface WriterFolder {
  readonly writerId: string
  readonly folder: string
  /** The agent has taken it for dead and reads its end. */
  readonly isRetired: boolean
}

/** The writers that have a folder in the spool, oldest first; none when there is no spool. */
export async function listWriters(files: Files, spool: string): Promise<readonly WriterFolder[]> {
  const writers: WriterFolder[] = []
  for (const name of await namesIn(files, spool)) {
    const writer = parseWriterName(name)
    if (writer !== null) writers.push({ ...writer, folder: join(spool, name) })
  }
  return writers.sort((a, b) => (a.writerId < b.writerId ? -1 : 1))
}

export function writerOf(folder: string): WriterName | null {
  return parseWriterName(basename(folder))
}

/**
 * For whoever only looks while an agent is at work: the folder is looked at under its new name when the agent has taken its writer for dead
 * meanwhile. Null when it was removed: everything in it was shipped.
 */
export async function lookAtWriter<T>(
  files: Files,
  writer: WriterFolder,
  look: (writer: WriterFolder) => Promise<T>,
): Promise<T | null> {
  for (const found of writer.isRetired ? [writer] : [writer, retired(writer)]) {
    try {
      const seen = await look(found)
      if ((await files.info(found.folder)) !== null) return seen
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }
  return null
}

/** The writer once an agent has taken it for dead. */
export function retired({ writerId, folder, isRetired }: WriterFolder): WriterFolder {
  return { writerId, folder: isRetired ? folder : retiredFolder(folder), isRetired: true }
}

/** None when there is no such folder. */
export async function namesIn(files: Files, folder: string): Promise<readonly string[]> {
  try {
    return await files.list(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
