// What one page of a listing looks at: a stretch of the commands by id, newest first.

import type { CommandView } from '../../ports/index.js'

/** A place in the order of ids; what follows is older. */
export interface Cursor {
  readonly chunkId: string
  readonly index: number
}

/** What matches within a stretch, as far as it was asked for, and where the stretch ends; null at the end of everything. */
export interface Stretch {
  readonly commands: readonly CommandView[]
  readonly end: Cursor | null
}
