// Storing chunks as settled, with the rows they come to. As with any append everything is looked at before anything is changed; the rows
// come first, because only they can fail.

import { type ChunkDraft, isDefaultSettings } from '../../domain/index.js'
import { type BulkWrite, canSettleAtOnce } from '../../ports/index.js'
import { type Resolved, resolve, store } from './append.js'
import type { KeyRecord } from './records.js'
import { type MemoryState, queueOf, settingsOf } from './state.js'
import { inTransaction } from './tables.js'

/** When they were stored, or null when nothing was done. */
export function appendSettled(
  state: MemoryState,
  drafts: readonly ChunkDraft[],
  rows: BulkWrite,
  now: number,
): number | null {
  if (!canSettleAtOnce(drafts, rows)) return null
  if (drafts.some(({ queue }) => !isDefaultSettings(settingsOf(state, queue)))) return null
  const resolved = resolveNew(state, drafts, now)
  if (resolved === null) return null
  inTransaction(state.tables, (transaction) => transaction.write(rows))
  for (const one of resolved) {
    queueOf(state, one.draft.queue)
    store(state, one, { remember: false, isSettled: true }, now)
  }
  return now
}

/** Null when a chunk or a key is known, or comes twice. */
function resolveNew(state: MemoryState, drafts: readonly ChunkDraft[], now: number): Resolved[] | null {
  const ids = new Set<string>()
  const keysOfCall = new Map<string, KeyRecord>()
  const resolved: Resolved[] = []
  for (const draft of drafts) {
    if (state.chunks.has(draft.id) || ids.has(draft.id)) return null
    ids.add(draft.id)
    const one = resolve(state, draft, keysOfCall, now)
    if (one.verdicts !== null) return null
    resolved.push(one)
  }
  return resolved
}
