// A stored command as its caller sees it: its row if it has one, else what its chunk says.

import { type CommandState, carriedState, commandId, isTerminal } from '../../domain/index.js'
import type { CommandView } from '../../ports/index.js'
import type { ChunkRecord, RowRecord } from './records.js'
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
  const { chunk, index, row } = command
  const state = stateOf(command)
  const { type, queue, priority, createdAt } = chunk
  const common = { id: commandId(chunk.id, index), type, queue, state, priority, acceptedAt: createdAt }
  if (row === null) return { ...common, ...silentFields(chunk, index, state) }
  return {
    ...common,
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

function silentFields(chunk: ChunkRecord, index: number, state: CommandState) {
  const ended = isTerminal(state)
  return {
    attempts: lostAttempts(chunk) + (ended ? 1 : 0),
    nextAt: null,
    finishedAt: ended ? chunk.endedAt : null,
    error: null,
    result: chunk.results?.get(index) ?? null,
    generation: 0,
    stage: 'execute' as const,
    memo: null,
    fingerprint: null,
    history: [],
  }
}
