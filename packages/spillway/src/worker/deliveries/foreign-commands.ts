// What is needed to take single commands that were not submitted to any Spillway: they are prepared as a submit is, and make up chunks
// that are nobody's yet.

import type { NewChunkId, PreparedCommand } from '../../ports/index.js'

export interface ForeignCommands {
  /** As a submit: validated, encoded, measured, keyed. Throws or rejects with a SpillwayError that says what is wrong. */
  prepare(
    type: string,
    payload: unknown,
    options: { readonly key?: string; readonly priority?: number },
  ): PreparedCommand | Promise<PreparedCommand>
  readonly newChunkId: NewChunkId
}
