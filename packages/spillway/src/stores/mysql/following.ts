// Storing chunks in the transaction of what they follow from: an outcome, or a verb. A chunk that is there already was stored by the same
// call before its answer was lost.

import type { ChunkDraft } from '../../domain/index.js'
import { insertChunks, type NewChunk } from './chunks.js'
import { firstOfEach, storedSql } from './closer-look.js'
import type { Connection } from './connection.js'
import { chunkOf, parkedRowsOf } from './drafts.js'
import type { RunResult } from './enlist/index.js'
import { rowsOf } from './select.js'
import { integer } from './sql-text.js'
import type { Hints } from './wake.js'

/** Statements that store those drafts that are not stored yet; their keys are not looked at. `nowSql` is the store's time. */
export async function storeFollowing(
  connection: Connection,
  drafts: readonly ChunkDraft[],
  nowSql: string,
  hints: Hints,
): Promise<string[]> {
  if (drafts.length === 0) return []
  const [clock, found] = (await connection.send([`select ${nowSql} as now`, storedSql(drafts)])) as [
    RunResult,
    RunResult,
  ]
  const now = Number(clock.rows[0]?.now)
  const stored = new Set(rowsOf<{ id: string }>(found).map(({ id }) => id))
  const chunks: NewChunk[] = []
  const rows: string[] = []
  for (const draft of firstOfEach(drafts)) {
    const chunk = stored.has(draft.id) ? null : chunkOf(draft, null)
    if (chunk === null) continue
    chunks.push(chunk)
    rows.push(...parkedRowsOf(draft, chunk, now))
    if (draft.parked === null) hints.add(draft.queue, draft.size)
  }
  return [...insertChunks(chunks, integer(now)), ...rows]
}
