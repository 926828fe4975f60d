// What an execution came to, written into a leased chunk: successes are counted, everything else becomes or moves a row.

import { type CommandUpdate, parseCommandId, type Settlement } from '../../domain/index.js'
import type { FamilyChanges } from './families.js'
import { type HeldChunk, isLive } from './held-chunk.js'
import { lostAttempts, type ParkedRow, writeRows } from './parked.js'
import { placeNumber } from './place.js'
import { contentOf } from './row-content.js'
import { integer, multiRow, text } from './sql-text.js'

export type Progress = Pick<Settlement, 'updates' | 'finished'>

/**
 * Marks what is over in the chunk and gives the statements for its rows. Repeating it, or naming a command that ended, changes
 * nothing. With `complete`, every other command of a promoted chunk succeeded too.
 */
export function writeProgress(
  chunk: HeldChunk,
  progress: Progress,
  complete: boolean,
  families: FamilyChanges,
  now: number,
): string[] {
  const rows: ParkedRow[] = []
  const results: string[] = []
  for (const update of progress.updates) {
    if (!end(chunk, update.index)) continue
    if (chunk.members !== null || update.state !== 'succeeded') {
      rows.push(rowOf(chunk, update, now))
      continue
    }
    chunk.succeeded += 1
    if (update.result !== undefined) {
      results.push(`(${chunk.seq}, ${integer(update.index)}, ${text(update.result)})`)
    }
  }
  // In a submitted chunk the rest needs no mark of its own: the chunk's end counts it.
  for (const index of complete && chunk.members !== null ? indexesOf(chunk) : progress.finished) {
    if (!end(chunk, index)) continue
    if (chunk.members === null) chunk.succeeded += 1
    else rows.push(rowOf(chunk, silentSuccess(chunk, index), now))
  }
  return [
    ...multiRow('insert into spillway_results (seq, idx, result) values', results),
    ...writeChunkRows(chunk, rows, families),
  ]
}

/** False when the command has ended already, or is none of the chunk's. */
function end(chunk: HeldChunk, index: number): boolean {
  if (!isLive(chunk, index)) return false
  chunk.over.add(index)
  chunk.changed = true
  return true
}

function* indexesOf({ size }: HeldChunk): Generator<number> {
  for (let index = 0; index < size; index += 1) yield index
}

function writeChunkRows(chunk: HeldChunk, rows: readonly ParkedRow[], families: FamilyChanges): string[] {
  const { queue, type, priority, partition, promoted, seq } = chunk
  for (const { chunkId, state } of rows) families.moved(chunkId, promoted ? 'promoted' : null, state)
  // One order for everybody, or two carriers of the same family could wait for each other.
  const sorted = [...rows].sort((a, b) =>
    a.chunkId < b.chunkId ? -1 : a.chunkId > b.chunkId ? 1 : a.index - b.index,
  )
  return writeRows({ queue, type, priority, partition, carrier: promoted ? seq : null }, sorted)
}

function rowOf(chunk: HeldChunk, update: CommandUpdate, now: number): ParkedRow {
  const { stage, members } = chunk
  const memo = members?.[update.index]?.memo ?? null
  return { ...originOf(chunk, update.index), ...contentOf(update, { stage, memo }, now) }
}

/** Where the command was submitted: a promoted chunk only carries it. */
function originOf(
  { seq, id, members, createdAt }: HeldChunk,
  index: number,
): Pick<ParkedRow, 'chunkId' | 'index' | 'place' | 'acceptedAt'> {
  const member = members?.[index]
  const origin = member === undefined ? null : parseCommandId(member.id)
  if (member === undefined || origin === null) {
    return { chunkId: id, index, place: integer(placeNumber(seq, index)), acceptedAt: createdAt }
  }
  const [first, place] = member.place ?? [0, 0]
  return { ...origin, place: integer(placeNumber(first, place)), acceptedAt: member.acceptedAt }
}

/** Only running its handler is an attempt. A terminal row keeps the stage it ended in. */
function silentSuccess(chunk: HeldChunk, index: number): CommandUpdate {
  const { stage, members } = chunk
  const attempts = (members?.[index]?.attempts ?? 0) + lostAttempts(chunk) + (stage === 'execute' ? 1 : 0)
  return { index, state: 'succeeded', stage, attempts, delayMs: 0, error: null }
}
