// What a caller may choose about a SQLite store.

import { SpillwayError } from '../../errors/index.js'
import type { Clock } from '../../ports/index.js'
import type { Synchronous } from './connection.js'

export interface SqliteOptions {
  /**
   * `full` (default): what is acknowledged is on the disk. `normal`: a power cut may take the last commits. A crash of the
   * process takes nothing either way. Effects that share a commit with their settlement are always `normal`: a power cut may
   * undo the last ones, both together, and they are executed again.
   */
  readonly synchronous?: Synchronous
  /** How long a call waits for another process's write lock, in ms. Default 5,000. */
  readonly busyTimeout?: number
  /** Where the time comes from. Default: the database's clock, and timers of the machine for waiting. */
  readonly clock?: Clock
}

const BUSY_TIMEOUT_MS = 5_000

export function checked(path: string, options: SqliteOptions) {
  const { synchronous = 'full', busyTimeout = BUSY_TIMEOUT_MS, clock = null } = options
  if (typeof path !== 'string' || path === '' || path.startsWith(':memory:') || path.startsWith('file:')) {
    throw new SpillwayError(
      'invalid_argument',
      `sqlite(): expected the path of a file, received ${JSON.stringify(path)}. Several connections share it; for a store in memory use memory() from 'spillway/memory'.`,
    )
  }
  if (synchronous !== 'full' && synchronous !== 'normal') {
    throw new SpillwayError('invalid_argument', `sqlite(): expected synchronous to be 'full' or 'normal'.`)
  }
  if (!Number.isFinite(busyTimeout) || busyTimeout < 0) {
    throw new SpillwayError(
      'invalid_argument',
      'sqlite(): expected busyTimeout to be milliseconds, at least 0.',
    )
  }
  return { synchronous, busyTimeoutMs: busyTimeout, clock }
}
