// The small files that say whose a folder or a lock is. They are touched every few seconds, for readers that cannot see the process.

import type { Files, OpenFile, ProcessMark } from '../ports/index.js'
import { bestEffort, isMissing } from './disk-error.js'
import { MARK_BYTES_MAX } from './limits.js'

/** Makes the file, EEXIST when there is one. Its contents are safe then, its name is not. */
export async function createMark(files: Files, path: string, mark: ProcessMark): Promise<void> {
  const file = await files.open(path, 'create')
  try {
    await file.write(Buffer.from(`${JSON.stringify(mark)}\n`), 0)
    await file.sync()
  } finally {
    await bestEffort(file.close())
  }
}

/** Null when there is none, or none that can be read. */
export async function readMark(files: Files, path: string): Promise<ProcessMark | null> {
  let file: OpenFile
  try {
    file = await files.open(path, 'read')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
  try {
    const bytes = Buffer.alloc(MARK_BYTES_MAX)
    return parseMark(bytes.toString('utf8', 0, await file.read(bytes, 0)))
  } finally {
    await bestEffort(file.close())
  }
}

function parseMark(text: string): ProcessMark | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof value !== 'object' || value === null) return null
  const { pid, startedTick, bootId, pidNamespace } = value as Partial<Record<keyof ProcessMark, unknown>>
  if (typeof pid !== 'number' || !isTextOrNull(startedTick)) return null
  if (!isTextOrNull(bootId) || !isTextOrNull(pidNamespace)) return null
  return { pid, startedTick, bootId, pidNamespace }
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}
