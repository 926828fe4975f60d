// A stored command as its caller sees it: its row if it has one, else what its chunk says.

import { type CommandState, carriedState, commandId, isTerminal } from '../../domain/index.js'
import type { CommandView } from '../../ports/index.js'
import type { RowRecord } from './records.js'
import { lostAttempts } from './rows.js'
import type { StoredCommand } from './state.js'

export function stateOf({ chunk, index, row }: StoredCommand): CommandState {
  if (row !== null) return rowState(row)
  if (chunk.state === 'done' || chunk.over?.has(index)) return 'succeeded'
  return chunk.state === 'leased' ? 'running' : 'accepted'
}

export function rowState(row: RowRecord): CommandState {
  if (row.place !== 'carried') return row.place
  return carriedState(row.stage, row.carrier?.state === 'leased')
}

export function viewOf(command: StoredCommand): CommandView {
  return command.row === null ? silentView(command) : rowView(command, command.row)
}

// Both are one literal without a spread: a spread is copied field by field, and a listing has a thousand of them.

function rowView(command: StoredCommand, row: RowRecord): CommandView {
  const { chunk, index } = command
  const state = stateOf(command)
  return {
    id: commandId(chunk.id, index),
    type: chunk.type,
    queue: chunk.queue,
    state,
    priority: chunk.priority,
    acceptedAt: chunk.createdAt,
    attempts: row.attempts + (row.carrier === null ? 0 : lostAttempts(row.carrier)),
    nextAt: state === 'scheduled' || state === 'retrying' ? row.nextAt : null,
    finishedAt: row.finishedAt,
    error: row.error,
    result: row.result,
    generation: row.generation,
    stage: row.stage,
    memo: row.memo,
    fingerprint: row.fingerprint,
    history: [...row.history],
  }
}

/** Of a command without a row. */
function silentView(command: StoredCommand): CommandView {
  const { chunk, index } = command
  const state = stateOf(command)
  const ended = isTerminal(state)
  return {
    id: commandId(chunk.id, index),
    type: chunk.type,
    queue: chunk.queue,
    state,
    priority: chunk.priority,
    acceptedAt: chunk.createdAt,
    attempts: lostAttempts(chunk) + (ended ? 1 : 0),
    nextAt: null,
    finishedAt: ended ? chunk.endedAt : null,
    error: null,
    result: chunk.results?.get(index) ?? null,
    generation: 0,
    stage: 'execute',
    memo: null,
    fingerprint: null,
    history: [],
  }
}
