// Storing chunks in one round trip, which goes well when every key and every chunk is new: the statements of the whole transaction
// are sent together, and the first that meets something it knows stops them before the commit.

import type { ChunkDraft } from '../../domain/index.js'
import { type AppendLease, type AppendResult, withLeases } from '../../ports/index.js'
import { insertChunks, type NewChunk } from './chunks.js'
import { chunkOf } from './drafts.js'
import { isDuplicateEntry } from './errors.js'
import { isLeasable, leasesOf } from './fresh-leases.js'
import type { KeyTables } from './key-tables.js'
import { newKeyStatements } from './new-keys.js'
import { anyLimited } from './room.js'
import type { Session } from './session.js'
import { Stopped, stopIf } from './stops.js'

/** The store's time, constant within a packet that has set it. */
export const NOW = '@spillway_now'

/** Null, and nothing stored, when something was known: it takes a closer look. */
export async function appendAtOnce(
  session: Session,
  tables: KeyTables,
  drafts: readonly ChunkDraft[],
  lease: AppendLease | null,
): Promise<readonly AppendResult[] | null> {
  if (drafts.some(({ parked }) => parked !== null)) return null
  const chunks = drafts.map((draft) => leasedBy(lease, chunkOf(draft, null) as NewChunk))
  const keys = await newKeyStatements(session, tables, drafts, NOW)
  const statements = [
    `set ${NOW} = ${session.now()}`,
    `select ${NOW} as now`,
    ...keys.statements,
    ...limitStatements(chunks),
    ...insertChunks(chunks, NOW),
  ]
  try {
    const results = await session.transaction(async (transaction) => {
      try {
        return await transaction.finish(statements)
      } catch (error) {
        throw isDuplicateEntry(error) ? new Stopped() : error
      }
    })
    const createdAt = Number(results[1]?.rows[0]?.now)
    const answers = drafts.map(() => ({ createdAt, verdicts: null }))
    return lease === null ? answers : withLeases(drafts, answers, leasesOf(drafts, chunks, createdAt))
  } catch (error) {
    if (error instanceof Stopped) return null
    throw error
  }
}

function leasedBy(lease: AppendLease | null, chunk: NewChunk): NewChunk {
  return lease !== null && isLeasable(chunk) ? { ...chunk, state: 'leased', lease } : chunk
}

/** What may be leased of a queue that is paused or has a limit takes a closer look. */
function limitStatements(chunks: readonly NewChunk[]): string[] {
  const leased = chunks.filter(({ lease }) => lease !== undefined)
  return leased.length === 0 ? [] : [stopIf(anyLimited([...new Set(leased.map(({ queue }) => queue))]))]
}
