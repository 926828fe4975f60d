// Rows of commands that did not succeed at once: the truth about them from their first exception until they are pruned.

import {
  type CommandUpdate,
  CRASHES_BEFORE_ISOLATION,
  type ErrorRecord,
  HISTORY_MAX,
  type RowState,
  type Stage,
} from '../../domain/index.js'
import type { SqliteTx, SqliteValue } from './client.js'
import { FamilyChanges, prepareFamilies } from './families.js'
import { type MultiRow, multiRow } from './multi-row.js'
import type { StoredNotes } from './row-notes.js'

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
  /** Of the chunk it was submitted in; null when only the row that is there already says so. */
  readonly seq: number | null
  readonly state: RowState
  readonly attempts: number
  /** Due; null for terminal states and for `blocked`. */
  readonly nextAt: number | null
  readonly acceptedAt: number
  /** Null for states that are not terminal. */
  readonly finishedAt: number | null
  readonly error: ErrorRecord | null
  readonly result: string | null
  /** What this row tells of, for the history; null when nothing was tried. A row then keeps the error it had, unless it gets another. */
  readonly trial: Trial | null
  readonly notes: StoredNotes
}

/** Something that was tried with a command. */
export interface Trial {
  readonly stage: Stage
  /** When it ended. */
  readonly at: number
  readonly ran: CommandUpdate['ran']
}

export interface Parked {
  /** Adds rows of commands that had none, or moves on those that ride in the carrier. */
  write(shared: ParkedShared, rows: readonly ParkedRow[], now: number): void
  /** Moves on a row that is pending and rides in no chunk. */
  answer(shared: Omit<ParkedShared, 'carrier'>, row: ParkedRow, now: number): void
}

const COLUMNS = `queue, type, priority, partition, chunk_id, idx, seq, state, attempts, next_at, accepted_at, finished_at,
  error, result, history, stage, memo, ordering_key, token_hash, token_expires_at, fingerprint`
const WIDTH = COLUMNS.split(',').length

/** Executions of a command in this chunk that ended without an outcome: each crash counts as one, up to isolation. */
export function lostAttempts(stage: Stage, expiries: number): number {
  return stage === 'execute' ? Math.min(expiries, CRASHES_BEFORE_ISOLATION) : 0
}

export function prepareParked(db: SqliteTx): Parked {
  const riding = upsert(db, 'parked.carrier = ?')
  const pending = upsert(db, "parked.carrier is null and parked.state = 'pending'")
  const families = prepareFamilies(db)

  return {
    write(shared, rows, now) {
      riding.run(
        rows.flatMap((row) => rowValues(shared, row)),
        [shared.carrier],
      )
      const changes = new FamilyChanges()
      const from = shared.carrier === null ? null : 'promoted'
      for (const { chunkId, state } of rows) changes.moved(chunkId, from, state)
      families.apply(changes, now)
    },
    answer(shared, row, now) {
      pending.run(rowValues(shared, row))
      const changes = new FamilyChanges()
      changes.moved(row.chunkId, 'pending', row.state)
      families.apply(changes, now)
    },
  }
}

/** `guard` says which rows that exist may be changed. */
function upsert(db: SqliteTx, guard: string): MultiRow {
  return multiRow(
    db,
    WIDTH,
    (rows) => `
      insert into spillway_parked as parked (${COLUMNS})
      values ${rows}
      on conflict (chunk_id, idx) do update
      set state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at, carrier = null,
        finished_at = excluded.finished_at, result = excluded.result, stage = excluded.stage, memo = excluded.memo,
        ordering_key = excluded.ordering_key, token_hash = excluded.token_hash,
        token_expires_at = excluded.token_expires_at, fingerprint = excluded.fingerprint,
        seq = coalesce(parked.seq, excluded.seq),
        error = iif(excluded.history is null, coalesce(excluded.error, parked.error), excluded.error),
        history = case
          when excluded.history is null then parked.history
          when parked.history is null then excluded.history
          else json_insert(
            iif(json_array_length(parked.history) < ${HISTORY_MAX}, parked.history, json_remove(parked.history, '$[0]')),
            '$[#]', excluded.history -> '$[0]') end
      where ${guard}`,
  )
}

/** One flat literal: this runs for every command that did not succeed. */
function rowValues(shared: Omit<ParkedShared, 'carrier'>, row: ParkedRow): SqliteValue[] {
  const error = row.error === null ? null : JSON.stringify(row.error)
  const { notes } = row
  return [
    shared.queue,
    shared.type,
    shared.priority,
    shared.partition,
    row.chunkId,
    row.index,
    row.seq,
    row.state,
    row.attempts,
    row.nextAt,
    row.acceptedAt,
    row.finishedAt,
    error,
    row.result,
    historyOf(row, error),
    notes.stage,
    notes.memo,
    notes.orderingKey,
    notes.tokenHash,
    notes.tokenExpiresAt,
    notes.fingerprint,
  ]
}

/** A history of this one trial, to which the row's own is prefixed. */
function historyOf({ attempts, trial }: ParkedRow, error: string | null): string | null {
  if (trial === null) return null
  const { stage, ran, at } = trial
  const tried = stage === 'execute' ? '' : `"stage":"${stage}",`
  const by =
    ran === undefined ? '' : `"workerId":${JSON.stringify(ran.workerId)},"durationMs":${ran.durationMs},`
  return `[{"attempt":${attempts},${tried}${by}"at":${at},"error":${error}}]`
}
