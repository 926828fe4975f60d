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

/** What the others wait for is not their time alone. */
const WAITS_FOR_TIME: ReadonlySet<ParkedRecord['state']> = new Set(['scheduled', 'retrying'])

function fromRow(row: ParkedRecord): Rest {
  return {
    // What was lost while it was asked about was not an execution.
    attempts: row.attempts + (row.stage === null ? lostAttempts(row.carrier_expiries ?? 0) : 0),
    acceptedAt: row.accepted_at,
    nextAt: WAITS_FOR_TIME.has(row.state) ? row.next_at : null,
    finishedAt: row.finished_at,
    error: row.error === null ? null : (JSON.parse(row.error) as ErrorRecord),
    result: row.result,
    generation: row.generation,
    stage: row.stage ?? 'execute',
    memo: row.memo,
    fingerprint: row.fingerprint,
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
    stage: 'execute',
    memo: null,
    fingerprint: null,
    history: [],
  }
}

/** Executions that ended without an outcome: each crash counts as one, up to isolation. */
function lostAttempts(expiries: number): number {
  return Math.min(expiries, CRASHES_BEFORE_ISOLATION)
}
