// The keys of a call that hopes to know none of them, as statements of one packet: where the hope is in vain, one of them stops it.

import type { ChunkDraft } from '../../domain/index.js'
import { type KeyTables, LOCK_RING, type RingState, ringDiffers } from './key-tables.js'
import { agingKeys, insertNewKeys, keyRowsOf, windowOf } from './keys.js'
import type { Session } from './session.js'
import { stopIf } from './stops.js'

export interface NewKeys {
  readonly statements: readonly string[]
  /** As the statements expect the ring to be; null where there are no keys. */
  readonly ring: RingState | null
}

/**
 * Of drafts that are not parked. `now` is SQL, constant within the packet. `ifKnown`: see `insertNewKeys`. Asks for the ring's state, and widens
 * it, on a connection of its own.
 */
export async function newKeyStatements(
  session: Session,
  tables: KeyTables,
  drafts: readonly ChunkDraft[],
  now: string,
  ifKnown?: string,
): Promise<NewKeys> {
  const rows = keyRowsOf(drafts)
  if (rows.length === 0) return { statements: [], ring: null }
  const windowMs = windowOf(rows)
  const ring = await tables.stateFor(session, windowMs)
  const statements = [
    LOCK_RING,
    stopIf(ringDiffers(ring, windowMs)),
    ...agingKeys(rows, ring, now).map(stopIf),
    ...insertNewKeys(rows, ring, now, ifKnown),
  ]
  return { statements, ring }
}
