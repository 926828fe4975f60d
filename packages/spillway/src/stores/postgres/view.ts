// A stored command as its caller sees it: its row if it has one, else what its chunk says.

import { CRASHES_BEFORE_ISOLATION, commandId, type ErrorRecord, isTerminal } from '../../domain/index.js'
import type { AttemptRecord, CommandView } from '../../ports/index.js'
import { chunkIdOf, type ParkedRecord, rowState, type StoredCommand } from './stored-commands.js'

/** `payload`: with its payload, where the family was read with it. */
export function commandView(command: StoredCommand, payload = false): CommandView {
  const { family, index, row, state } = command
  const { type, queue, priority, results, payloads } = family.record
  const rest = row === null ? fromChunk(command, results?.[index] ?? null) : fromRow(row)
  const view = { id: commandId(family.id, index), type, queue, state, priority, ...rest }
  const text = payloads?.[index]
  return payload && text !== undefined ? { ...view, payload: text } : view
}

/** A row that was found without its chunk. */
export interface LoneRecord extends ParkedRecord {
  readonly chunk_id: string
  readonly queue: string
  readonly type: string
  readonly priority: number
}

export function rowView(row: LoneRecord): CommandView {
  const { chunk_id, idx, queue, type, priority } = row
  const id = commandId(chunkIdOf(chunk_id), idx)
  return { id, type, queue, state: rowState(row), priority, ...fromRow(row) }
}

type Rest = Omit<CommandView, 'id' | 'type' | 'queue' | 'state' | 'priority'>

function fromRow(row: ParkedRecord): Rest {
  return {
    attempts: row.attempts + lostAttempts(row.carrier_expiries ?? 0),
    acceptedAt: row.accepted_at,
    nextAt: row.next_at,
    finishedAt: row.finished_at,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorRecord),
    result: row.result,
    generation: row.generation,
    history: (row.history ?? []).map((entry) => JSON.parse(entry) as AttemptRecord),
  }
}

function fromChunk({ family, state }: StoredCommand, result: string | null): Rest {
  const { expiries, created_at, ended_at } = family.record
  const ended = isTerminal(state)
  return {
    attempts: lostAttempts(expiries) + (ended ? 1 : 0),
    acceptedAt: created_at,
    nextAt: null,
    finishedAt: ended ? ended_at : null,
    error: null,
    result,
    generation: 0,
    history: [],
  }
}

/** Executions that ended without an outcome: each crash counts as one, up to isolation. */
function lostAttempts(expiries: number): number {
  return Math.min(expiries, CRASHES_BEFORE_ISOLATION)
}
