// A folder whose name survives a power cut: it, and every parent that had to be made, is made safe in the folder above. One that exists
// may have been made a moment ago by another process that has not come so far.

import { dirname } from 'node:path'
import type { Files } from '../ports/index.js'
import { isMissing, isTaken, isUnusable } from './disk-error.js'

export async function makeDurableFolder(files: Files, folder: string): Promise<void> {
  const parent = dirname(folder)
  if ((await files.info(folder)) !== null) return syncParent(files, parent)
  try {
    await files.makeFolder(folder)
  } catch (error) {
    if (isMissing(error) && parent !== folder) {
      await makeDurableFolder(files, parent)
      return makeDurableFolder(files, folder)
    }
    if (!isTaken(error)) throw error
  }
  await files.syncFolder(parent)
}

/** Of what somebody else has set up the parent may be none of our business. */
async function syncParent(files: Files, parent: string): Promise<void> {
  try {
    await files.syncFolder(parent)
  } catch (error) {
    if (!isUnusable(error)) throw error
  }
}
