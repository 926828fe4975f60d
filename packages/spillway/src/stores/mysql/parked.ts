// Rows of commands that did not simply succeed, as statements.

import { CRASHES_BEFORE_ISOLATION, type ErrorRecord, HISTORY_MAX, type RowState } from '../../domain/index.js'
import { integer, multiRow, text } from './sql-text.js'

/** What the rows of one write have in common: the chunk that was executed, or drafted as parked. */
export interface ParkedShared {
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  /** Seq of the promoted chunk that the rows are riding in; null for commands that have no row yet. */
  readonly carrier: number | null
}

export interface ParkedRow {
  readonly chunkId: string
  readonly index: number
  readonly state: RowState
  readonly attempts: number
  /** Due; null for terminal states. */
  readonly nextAt: number | null
  readonly acceptedAt: number
  /** Null for states that are not terminal. */
  readonly finishedAt: number | null
  readonly error: ErrorRecord | null
  readonly result: string | null
  /** When the execution ended that this row tells of; null when there was none. */
  readonly executedAt: number | null
}

/** Executions of a command in this chunk that ended without an outcome: each crash counts as one, up to isolation. */
export function lostAttempts(expiries: number): number {
  return Math.min(expiries, CRASHES_BEFORE_ISOLATION)
}

const INSERT = `
insert into spillway_parked (queue, type, priority, partition_no, chunk_id, idx, state, attempts, next_at, accepted_at, finished_at,
  error, result, history) values`

const KEPT_HISTORY = `if(json_length(history) < ${HISTORY_MAX}, history, json_remove(history, '$[0]'))`

/** Moves on a row that rides in the carrier and leaves any other as it is. Assignments are made from left to right. */
function moveOn(carrier: number): string {
  const mine = `carrier = ${integer(carrier)}`
  const replaced = ['state', 'attempts', 'next_at', 'finished_at', 'error', 'result'].map(
    (column) => `${column} = if(${mine}, values(${column}), ${column})`,
  )
  const history = `if(history is null, values(history), json_merge_preserve(${KEPT_HISTORY}, values(history)))`
  return `on duplicate key update ${replaced.join(', ')}, history = if(${mine}, ${history}, history), carrier = if(${mine}, null, carrier)`
}

/** Adds rows of commands that had none, or moves on those that ride in the carrier. */
export function writeRows(shared: ParkedShared, rows: readonly ParkedRow[]): string[] {
  const tail = shared.carrier === null ? '' : moveOn(shared.carrier)
  return multiRow(
    INSERT,
    rows.map((row) => rowText(shared, row)),
    tail,
  )
}

function rowText({ queue, type, priority, partition }: ParkedShared, row: ParkedRow): string {
  const error = row.error === null ? null : JSON.stringify(row.error)
  const values = [
    ...[text(queue), text(type), integer(priority), integer(partition)],
    ...[text(row.chunkId), integer(row.index), text(row.state), integer(row.attempts)],
    ...[integer(row.nextAt), integer(row.acceptedAt), integer(row.finishedAt)],
    ...[text(error), text(row.result), text(historyOf(row, error))],
  ]
  return `(${values.join(', ')})`
}

/** A history of this one execution, to which the row's own is prefixed. */
function historyOf(row: ParkedRow, error: string | null): string | null {
  if (row.executedAt === null) return null
  return `[{"attempt":${row.attempts},"at":${row.executedAt},"error":${error}}]`
}
