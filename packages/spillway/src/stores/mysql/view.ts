// A stored command as its caller sees it: its row if it has one, else what its chunk says.

import { commandId, type ErrorRecord, isTerminal } from '../../domain/index.js'
import type { AttemptRecord, CommandView } from '../../ports/index.js'
import { type RowRecord, rowState, type StoredCommand } from './commands.js'
import { lostAttempts } from './parked.js'

export function rowView(row: RowRecord): CommandView {
  const state = rowState(row)
  return {
    id: commandId(row.chunk_id, row.idx),
    type: row.type,
    queue: row.queue,
    state,
    priority: row.priority,
    attempts: row.attempts + lostAttempts({ expiries: row.carrier_expiries ?? 0, stage: row.stage }),
    acceptedAt: row.accepted_at,
    nextAt: state === 'scheduled' || state === 'retrying' ? row.next_at : null,
    finishedAt: row.finished_at,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorRecord),
    result: row.result,
    generation: row.generation,
    stage: row.stage,
    memo: row.memo,
    fingerprint: row.fingerprint,
    history: row.history === null ? [] : (JSON.parse(row.history) as AttemptRecord[]),
  }
}

/** `result` is what the handler returned, for a command that succeeded at once. */
export function commandView(command: StoredCommand, result: string | null): CommandView {
  const { chunk, index, row, state } = command
  if (row !== null) return rowView(row)
  const ended = isTerminal(state)
  return {
    id: commandId(chunk.id, index),
    type: chunk.type,
    queue: chunk.queue,
    state,
    priority: chunk.priority,
    attempts: lostAttempts({ expiries: chunk.expiries, stage: 'execute' }) + (ended ? 1 : 0),
    acceptedAt: chunk.created_at,
    nextAt: null,
    finishedAt: ended ? chunk.ended_at : null,
    error: null,
    result,
    generation: 0,
    stage: 'execute',
    memo: null,
    fingerprint: null,
    history: [],
  }
}
