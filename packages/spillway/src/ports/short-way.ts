// What the worker of a process offers the channel of the same process: chunks stored as settled, together with what they come to.

import type { ChunkDraft } from '../domain/index.js'

/**
 * When the chunk was stored, by the store's clock; or that it has to be appended as it is. `doubtful`: nobody knows whether the store has it, so
 * that an append which is refused does not tell that it has not.
 */
export type ShortVerdict = number | 'left' | 'doubtful'

export interface ShortWay {
  /** Whether it is open for the type, and chunks of it may be taken side by side in any order. */
  mayDivide(type: string): boolean
  /** One verdict per chunk. Never rejects. */
  take(drafts: readonly ChunkDraft[]): Promise<readonly ShortVerdict[]>
}
