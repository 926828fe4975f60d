// The keys of a call that hopes to know none of them, as statements of one packet: where the hope is in vain, one of them stops it.

import type { ChunkDraft } from '../../domain/index.js'
import { type KeyTables, LOCK_RING, ringDiffers } from './key-tables.js'
import { agingKeys, insertNewKeys, keyRowsOf, windowOf } from './keys.js'
import type { Session } from './session.js'
import { stopIf } from './stops.js'

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
): Promise<string[]> {
  const rows = keyRowsOf(drafts)
  if (rows.length === 0) return []
  const windowMs = windowOf(rows)
  const state = await tables.stateFor(session, windowMs)
  return [
    LOCK_RING,
    stopIf(ringDiffers(state, windowMs)),
    ...agingKeys(rows, state, now).map(stopIf),
    ...insertNewKeys(rows, state, now, ifKnown),
  ]
}
