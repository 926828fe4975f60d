// What a submitted chunk knows of its commands' rows: how many are not terminal, and how many ended otherwise than by success.
// By these two numbers pruning finds families that ended, without looking at a row.

import { isTerminal, type RowState } from '../../domain/index.js'
import { CHUNKS_BY_ID } from './indexes.js'
import { integer, textList } from './sql-text.js'

export type RowPlace = RowState | 'promoted'

const UNSUCCESSFUL: ReadonlySet<RowPlace> = new Set(['failed', 'dead', 'cancelled', 'compensated'])

/** Changes of one transaction, by family. */
export class FamilyChanges {
  readonly #byChunkId = new Map<string, { open: number; unsuccessful: number }>()

  /** A row moved; `from` is null for a new one. */
  moved(chunkId: string, from: RowPlace | null, to: RowPlace): void {
    let change = this.#byChunkId.get(chunkId)
    if (change === undefined) {
      change = { open: 0, unsuccessful: 0 }
      this.#byChunkId.set(chunkId, change)
    }
    change.open += openOf(to) - openOf(from)
    change.unsuccessful += unsuccessfulOf(to) - unsuccessfulOf(from)
  }

  /** One statement for all families that change alike. `now` is SQL. */
  statements(now: string): string[] {
    const alike = new Map<string, string[]>()
    for (const [chunkId, { open, unsuccessful }] of this.#byChunkId) {
      const assignments = `open = open + ${integer(open)}, unsuccessful = unsuccessful + ${integer(unsuccessful)}`
      const ids = alike.get(assignments)
      if (ids === undefined) alike.set(assignments, [chunkId])
      else ids.push(chunkId)
    }
    return Array.from(
      alike,
      ([assignments, ids]) =>
        `update ${CHUNKS_BY_ID} set ${assignments}, ended_at = greatest(ended_at, ${now}) where id in ${textList(ids.sort())}`,
    )
  }
}

export function openOf(place: RowPlace | null): number {
  return place !== null && (place === 'promoted' || !isTerminal(place)) ? 1 : 0
}

export function unsuccessfulOf(place: RowPlace | null): number {
  return place !== null && UNSUCCESSFUL.has(place) ? 1 : 0
}
