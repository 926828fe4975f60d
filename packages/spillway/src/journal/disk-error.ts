// What the operating system says about a disk, told apart by what follows from it.

import { SpillwayError } from '../errors/index.js'

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
/** Nothing that heals by itself: the folder is not usable as it is set up. */
const UNUSABLE: ReadonlySet<string> = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
])

export function faultCode(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null
}

export function isFull(error: unknown): boolean {
  return FULL.has(faultCode(error) ?? '')
}

export function isUnusable(error: unknown): boolean {
  return UNUSABLE.has(faultCode(error) ?? '')
}

export function isMissing(error: unknown): boolean {
  return faultCode(error) === 'ENOENT'
}

export function isTaken(error: unknown): boolean {
  return faultCode(error) === 'EEXIST'
}

/** Resolves even when it fails, for what is only tidying up or has been given up already. */
export async function bestEffort(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch {
    // Whoever calls this has nobody to tell: what matters has failed, or succeeded, before.
  }
}

export function journalFailed(what: string, cause: unknown): SpillwayError {
  const code = faultCode(cause)
  return new SpillwayError(
    'journal_failed',
    `${what}${code === null ? '' : ` (${code})`}. Check the disk and the permissions of the journal's folder.`,
    { cause, details: { code } },
  )
}
