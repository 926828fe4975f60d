// What this process remembers of the chunks it has leased: which of them cannot be settled together with others by one update,
// because rows or a partition hang on them. Knowing it saves the vain attempt; not knowing it costs nothing else.

import type { Lease } from '../../domain/index.js'

export interface LeasedChunks {
  remember(leases: readonly Lease[]): void
  /** Whether the chunk may be settled simply, as far as is known; forgets it. */
  takeSimple(chunkId: string): boolean
}

/** Chunks remembered: more than a process ever holds. */
const KNOWN_MAX = 10_000

export function newLeasedChunks(): LeasedChunks {
  const special = new Set<string>()
  return {
    remember(leases) {
      if (special.size > KNOWN_MAX) special.clear()
      for (const { chunkId, partition, members } of leases) {
        if (partition !== null || members !== null) special.add(chunkId)
      }
    },
    takeSimple: (chunkId) => !special.delete(chunkId),
  }
}
