// Rows of commands that did not succeed at once: the truth about them from their first exception until they are pruned.

import { CRASHES_BEFORE_ISOLATION, type ErrorRecord, HISTORY_MAX, type RowState } from '../../domain/index.js'
import type { SqliteTx, SqliteValue } from './client.js'
import { FamilyChanges, prepareFamilies } from './families.js'
import { multiRow } from './multi-row.js'

/** What the rows of one write have in common: the chunk that was executed, or drafted as parked. */
export interface ParkedShared {
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  /** The promoted chunk that the rows are riding in; null for commands that have no row yet. */
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

export interface Parked {
  /** Adds rows of commands that had none, or moves on those that ride in the carrier. */
  write(shared: ParkedShared, rows: readonly ParkedRow[], now: number): void
}

const WIDTH = 14

/** Executions of a command in this chunk that ended without an outcome: each crash counts as one, up to isolation. */
export function lostAttempts(expiries: number): number {
  return Math.min(expiries, CRASHES_BEFORE_ISOLATION)
}

export function prepareParked(db: SqliteTx): Parked {
  const upsert = multiRow(
    db,
    WIDTH,
    (rows) => `
      insert into spillway_parked as parked (queue, type, priority, partition,
        chunk_id, idx, state, attempts, next_at, accepted_at, finished_at, error, result, history)
      values ${rows}
      on conflict (chunk_id, idx) do update
      set state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at, carrier = null,
        finished_at = excluded.finished_at, error = excluded.error, result = excluded.result,
        history = case when parked.history is null then excluded.history else json_insert(
          iif(json_array_length(parked.history) < ${HISTORY_MAX}, parked.history, json_remove(parked.history, '$[0]')),
          '$[#]', excluded.history -> '$[0]') end
      where parked.carrier = ?`,
  )
  const families = prepareFamilies(db)

  return {
    write(shared, rows, now) {
      const values = rows.flatMap((row) => rowValues(shared, row))
      upsert.run(values, [shared.carrier])
      const changes = new FamilyChanges()
      const from = shared.carrier === null ? null : 'promoted'
      for (const { chunkId, state } of rows) changes.moved(chunkId, from, state)
      families.apply(changes, now)
    },
  }
}

function rowValues({ queue, type, priority, partition }: ParkedShared, row: ParkedRow): SqliteValue[] {
  const error = row.error === null ? null : JSON.stringify(row.error)
  return [
    ...[queue, type, priority, partition],
    ...[row.chunkId, row.index, row.state, row.attempts, row.nextAt, row.acceptedAt, row.finishedAt],
    ...[error, row.result, historyOf(row, error)],
  ]
}

/** A history of this one execution, to which the row's own is prefixed. */
function historyOf(row: ParkedRow, error: string | null): string | null {
  if (row.executedAt === null) return null
  return `[{"attempt":${row.attempts},"at":${row.executedAt},"error":${error}}]`
}
