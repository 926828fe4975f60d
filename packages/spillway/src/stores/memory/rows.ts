// Rows of commands that did not succeed at once: how an execution's outcome or a parked draft is written into them.

import {
  type CommandUpdate,
  CRASHES_BEFORE_ISOLATION,
  type ErrorRecord,
  HISTORY_MAX,
  isTerminal,
  type ParkedDraft,
} from '../../domain/index.js'
import type { ChunkRecord, RowRecord } from './records.js'
import { addRow, type MemoryState, markOver, moveRow } from './state.js'

/** Executions of a command in this chunk that ended without an outcome: each crash counts as one, up to isolation. */
export function lostAttempts(chunk: ChunkRecord): number {
  return Math.min(chunk.expiries, CRASHES_BEFORE_ISOLATION)
}

export function parkDraft(
  state: MemoryState,
  chunk: ChunkRecord,
  index: number,
  draft: ParkedDraft,
  now: number,
): void {
  const row = addRow(state, chunk, index)
  row.attempts = draft.attempts
  row.result = draft.result ?? null
  if (draft.error !== null) remember(row, draft.error, now)
  moveRow(state, row, draft.state, draft.nextAt ?? now, now)
}

/** Writes the outcome of an execution. A command that succeeded in the chunk it was submitted in needs no row. */
export function applyUpdate(
  state: MemoryState,
  chunk: ChunkRecord,
  update: CommandUpdate,
  now: number,
): void {
  markOver(chunk, update.index)
  const carried = chunk.cargo?.[update.index]?.row
  if (carried === undefined && update.state === 'succeeded') {
    if (update.result === undefined) return
    chunk.results ??= new Map()
    chunk.results.set(update.index, update.result)
    return
  }
  const row = carried ?? addRow(state, chunk, update.index)
  row.attempts = update.attempts
  row.result = update.result ?? null
  remember(row, update.error, now)
  moveRow(state, row, update.state, isTerminal(update.state) ? now : now + update.delayMs, now)
}

/** Writes a success that came without a word. */
export function applyFinished(state: MemoryState, chunk: ChunkRecord, index: number, now: number): void {
  markOver(chunk, index)
  const cargo = chunk.cargo?.[index]
  if (cargo === undefined) return
  const { row, member } = cargo
  row.attempts = member.attempts + lostAttempts(chunk) + 1
  row.result = null
  remember(row, null, now)
  moveRow(state, row, 'succeeded', now, now)
}

function remember(row: RowRecord, error: ErrorRecord | null, now: number): void {
  row.error = error === null ? null : Object.freeze({ ...error })
  const entry = Object.freeze({ attempt: row.attempts, at: now, error: row.error })
  row.history = [...row.history, entry].slice(-HISTORY_MAX)
}
