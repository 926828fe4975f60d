// Who has a folder in a spool: every process that writes, or wrote and was not read to its end yet.

import { basename, join } from 'node:path'
import type { Files } from '../ports/index.js'
import { isMissing } from './disk-error.js'
import { parseWriterName, type WriterName } from './paths.js'

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

/** None when there is no such folder. */
export async function namesIn(files: Files, folder: string): Promise<readonly string[]> {
  try {
    return await files.list(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
