// What a submitted chunk knows of its commands' rows: how many are not terminal, and how many ended otherwise than by success.
// By these two numbers pruning finds families that ended, without looking at a row.

import { isTerminal } from '../../domain/index.js'
import type { SqliteTx } from './client.js'
import type { RowRecord } from './commands.js'

export type RowPlace = RowRecord['state']

/** Changes of one transaction, by family. */
export class FamilyChanges {
  readonly byChunkId = new Map<string, { open: number; unsuccessful: number }>()

  /** A row moved; `from` is null for a new one. */
  moved(chunkId: string, from: RowPlace | null, to: RowPlace): void {
    let change = this.byChunkId.get(chunkId)
    if (change === undefined) {
      change = { open: 0, unsuccessful: 0 }
      this.byChunkId.set(chunkId, change)
    }
    change.open += openOf(to) - openOf(from)
    change.unsuccessful += unsuccessfulOf(to) - unsuccessfulOf(from)
  }
}

export interface Families {
  apply(changes: FamilyChanges, now: number): void
}

export function prepareFamilies(db: SqliteTx): Families {
  const update = db.prepare(`
    update spillway_chunks
    set open = open + ?2, unsuccessful = unsuccessful + ?3, ended_at = max(ended_at, ?4) where id = ?1`)
  return {
    apply({ byChunkId }, now) {
      for (const [chunkId, { open, unsuccessful }] of byChunkId) update.run(chunkId, open, unsuccessful, now)
    },
  }
}

function openOf(place: RowPlace | null): number {
  return place !== null && (place === 'promoted' || !isTerminal(place)) ? 1 : 0
}

const UNSUCCESSFUL: ReadonlySet<RowPlace> = new Set(['failed', 'dead', 'cancelled', 'compensated'])

function unsuccessfulOf(place: RowPlace | null): number {
  return place !== null && UNSUCCESSFUL.has(place) ? 1 : 0
}
