// Why commands of a chunk are not in the store, as it is kept with the chunk: so that a resend is answered the same, and that the id of a
// repeat leads to the command it repeats.

import type { AppendVerdict, ChunkDraft } from '../../domain/index.js'
import { ACCEPTED } from './keys.js'

/** Index, verdict, id of the command that came first. */
export type Absence = readonly [index: number, status: AppendVerdict['status'], id: string | null]

export interface StoredChunk {
  readonly size: number
  readonly absent: string | null
  readonly created_at: number
}

export function absencesOf(draft: ChunkDraft, verdicts: readonly AppendVerdict[] | null): Absence[] {
  const absences: Absence[] = []
  if (verdicts === null && draft.parked === null) return absences
  for (let index = 0; index < draft.size; index += 1) {
    const verdict = verdicts?.[index] ?? ACCEPTED
    if (verdict.status !== 'accepted') absences.push([index, verdict.status, verdict.id])
    else if (draft.parked?.[index] === null) absences.push([index, 'accepted', null])
  }
  return absences
}

/** What the chunk's first append answered. */
export function verdictsOf(chunk: StoredChunk): readonly AppendVerdict[] | null {
  const absences = parseAbsences(chunk.absent)
  if (absences.every(([, status]) => status === 'accepted')) return null
  const verdicts = new Array<AppendVerdict>(chunk.size).fill(ACCEPTED)
  for (const [index, status, id] of absences) {
    if (status !== 'accepted') verdicts[index] = { status, id: id as string }
  }
  return verdicts
}

export function parseAbsences(text: string | null): readonly Absence[] {
  return text === null ? [] : (JSON.parse(text) as Absence[])
}

/** By index the command that each repeat is answered with; conflicts have none. */
export function repeatsOf(absences: readonly Absence[]): ReadonlyMap<number, string> {
  const repeats = new Map<number, string>()
  for (const [index, status, id] of absences)
    if (status === 'duplicate' && id !== null) repeats.set(index, id)
  return repeats
}
