// What an execution came to, written into a leased chunk: successes are counted, everything else becomes or moves a row.

import { type CommandUpdate, parseCommandId, type Settlement } from '../../domain/index.js'
import type { SqliteTx, SqliteValue } from './client.js'
import { type HeldChunk, isLive } from './held-chunk.js'
import { multiRow } from './multi-row.js'
import { lostAttempts, type Parked, type ParkedRow } from './parked.js'
import { type Before, updatedRow } from './updated-row.js'

export type Progress = Pick<Settlement, 'updates' | 'finished'>

export interface ProgressWriter {
  /**
   * Marks what is over in the chunk and writes the rows. Repeating it, or naming a command that ended, changes nothing. With
   * `complete`, every other command of a promoted chunk succeeded too.
   */
  write(chunk: HeldChunk, progress: Progress, complete: boolean, now: number): void
}

export function prepareProgressWriter(db: SqliteTx, parked: Parked): ProgressWriter {
  const storeResults = multiRow(
    db,
    3,
    (rows) => `insert into spillway_results (seq, idx, result) values ${rows}`,
  )

  function writeRows({ row, members }: HeldChunk, rows: readonly ParkedRow[], now: number): void {
    const { queue, type, priority, partition } = row
    parked.write({ queue, type, priority, partition, carrier: members === null ? null : row.seq }, rows, now)
  }

  function write(chunk: HeldChunk, progress: Progress, complete: boolean, now: number): void {
    const rows: ParkedRow[] = []
    const results: SqliteValue[] = []
    for (const update of progress.updates) {
      if (!isLive(chunk, update.index)) continue
      chunk.over.add(update.index)
      if (chunk.members !== null || update.state !== 'succeeded') {
        rows.push(updatedRow(beforeOf(chunk, update.index), update, now))
        continue
      }
      chunk.succeeded += 1
      if (update.result !== undefined) results.push(chunk.row.seq, update.index, update.result)
    }
    // In a submitted chunk the rest needs no mark of its own: the chunk's end counts it.
    for (const index of complete && chunk.members !== null ? indexesOf(chunk) : progress.finished) {
      if (!isLive(chunk, index)) continue
      chunk.over.add(index)
      if (chunk.members === null) chunk.succeeded += 1
      else rows.push(updatedRow(beforeOf(chunk, index), silentSuccess(chunk, index), now))
    }
    storeResults.run(results)
    if (rows.length > 0) writeRows(chunk, rows, now)
  }

  return { write }
}

function* indexesOf({ row }: HeldChunk): Generator<number> {
  for (let index = 0; index < row.size; index += 1) yield index
}

/** Under the id it was submitted with: a promoted chunk only carries it. */
function beforeOf({ row, members, stage }: HeldChunk, index: number): Before {
  const member = members?.[index]
  const origin = member === undefined ? null : parseCommandId(member.id)
  if (member === undefined || origin === null)
    return { chunkId: row.id, index, seq: row.seq, acceptedAt: row.created_at, memo: null, stage }
  const { acceptedAt, memo, place } = member
  return { chunkId: origin.chunkId, index: origin.index, seq: place?.[0] ?? null, acceptedAt, memo, stage }
}

function silentSuccess({ row, members, stage }: HeldChunk, index: number): CommandUpdate {
  const before = members?.[index]?.attempts ?? 0
  const executions = stage === 'execute' ? lostAttempts(stage, row.expiries) + 1 : 0
  return { index, state: 'succeeded', stage, attempts: before + executions, delayMs: 0, error: null }
}
