// A file that is there to be removed: on a full disk it makes room for what the agent has to write before it can delete anything. The
// writers never touch it, else they would be the ones to eat it.

import type { Files } from '../ports/index.js'
import { bestEffort, isFull, isMissing, isTaken } from './disk-error.js'
import { BALLAST_BYTES } from './limits.js'
import { ballastPath } from './paths.js'

/** Makes it when it is not there. Best effort: a disk that has no room for it is about to be noticed anyway. */
export async function keepBallast(files: Files, spool: string): Promise<void> {
  const path = ballastPath(spool)
  try {
    const file = await files.open(path, 'create')
    try {
      // Not sparse, and not all the same: neither holes nor compression would leave anything to set free.
      await file.write(Buffer.allocUnsafe(BALLAST_BYTES).map(scrambled), 0)
      await file.sync()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!isTaken(error)) await bestEffort(files.remove(path))
  }
}

function scrambled(_: number, index: number): number {
  return Math.imul(index, 0x9e3779b1) >>> 24
}

/** Runs the work, and once more without the ballast if the disk is full. */
export async function withBallast<T>(files: Files, spool: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFull(error)) throw error
    try {
      await files.remove(ballastPath(spool))
    } catch (missing) {
      if (!isMissing(missing)) throw missing
      throw error
    }
    return work()
  }
}
