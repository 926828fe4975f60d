// Rows of commands that did not succeed at once: how an execution's outcome or a parked draft is written into them.

import {
  type CommandUpdate,
  CRASHES_BEFORE_ISOLATION,
  type ErrorRecord,
  HISTORY_MAX,
  isTerminal,
  type ParkedDraft,
  type RowNotes,
  type Stage,
} from '../../domain/index.js'
import type { AttemptRecord } from '../../ports/index.js'
import type { ChunkRecord, RowRecord } from './records.js'
import { addRow, awaitToken, type MemoryState, markOver, moveRow } from './state.js'

/** Executions of a command in this chunk that ended without an outcome: each crash counts as one, up to isolation. */
export function lostAttempts({ stage, expiries }: ChunkRecord): number {
  return stage === 'execute' ? Math.min(expiries, CRASHES_BEFORE_ISOLATION) : 0
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
  takeNotes(state, row, draft, now)
  if (draft.error !== null) remember(row, { error: draft.error, stage: 'execute', at: now })
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
  writeUpdate(state, carried ?? addRow(state, chunk, update.index), update, chunk.stage, now)
}

/** Writes what came of the stage that was `tried`. */
export function writeUpdate(
  state: MemoryState,
  row: RowRecord,
  update: Omit<CommandUpdate, 'index'>,
  tried: Stage,
  now: number,
): void {
  const { ran, error } = update
  row.attempts = update.attempts
  row.result = update.result ?? null
  takeNotes(state, row, update, now)
  if (update.deferred !== true) remember(row, { error, stage: tried, at: now, ...ran })
  else if (error !== null) row.error = Object.freeze({ ...error })
  moveRow(state, row, update.state, isTerminal(update.state) ? now : now + update.delayMs, now)
}

/** Writes a success that came without a word. */
export function applyFinished(state: MemoryState, chunk: ChunkRecord, index: number, now: number): void {
  markOver(chunk, index)
  const cargo = chunk.cargo?.[index]
  if (cargo === undefined) return
  const { row, member } = cargo
  // Asking about it is not an execution.
  row.attempts = member.attempts + (chunk.stage === 'execute' ? lostAttempts(chunk) + 1 : 0)
  row.result = null
  takeNotes(state, row, { stage: chunk.stage }, now)
  remember(row, { error: null, stage: chunk.stage, at: now })
  moveRow(state, row, 'succeeded', now, now)
}

function takeNotes(state: MemoryState, row: RowRecord, notes: RowNotes, now: number): void {
  row.stage = notes.stage ?? 'execute'
  if (notes.memo !== undefined) row.memo = notes.memo
  row.orderingKey = notes.orderingKey ?? null
  row.fingerprint = notes.fingerprint ?? null
  const completion = notes.completion ?? null
  const { tokenHash = '', expiresInMs = 0 } = completion ?? {}
  awaitToken(state, row, completion === null ? null : { tokenHash, expiresAt: now + expiresInMs })
}

type Attempt = Pick<AttemptRecord, 'at' | 'workerId' | 'durationMs'> & {
  readonly error: ErrorRecord | null
  readonly stage: Stage
}

function remember(row: RowRecord, { stage, error, ...rest }: Attempt): void {
  row.error = error === null ? null : Object.freeze({ ...error })
  const tried = stage === 'execute' ? {} : { stage }
  const entry = Object.freeze({ attempt: row.attempts, ...rest, ...tried, error: row.error })
  row.history = [...row.history, entry].slice(-HISTORY_MAX)
}
