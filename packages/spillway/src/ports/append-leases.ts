// What an append leased, beside what it says of each draft.

import type { ChunkDraft, Lease } from '../domain/index.js'
import type { AppendResult } from './store.js'

/** `leases` by chunk, and used up: a draft that comes twice in a call is leased once. */
export function withLeases(
  drafts: readonly ChunkDraft[],
  results: readonly AppendResult[],
  leases: Map<string, Lease>,
): AppendResult[] {
  return results.map((result, at) => {
    const { id } = drafts[at] as ChunkDraft
    const lease = leases.get(id) ?? null
    leases.delete(id)
    return { ...result, lease }
  })
}
