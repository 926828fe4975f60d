// Commands as the store shows them, at one moment and before and after an operation.

import type { CommandState } from '../../domain/index.js'

/** A command as the store shows it at one moment. */
export interface Snapshot {
  readonly id: string
  readonly state: CommandState
  readonly attempts: number
  readonly generation: number
  readonly nextAt: number | null
  readonly finishedAt: number | null
}

/** One command before and after an operation; null = the store does not have it. */
export interface Change {
  readonly id: string
  readonly before: Snapshot | null
  readonly after: Snapshot | null
}
