// Rows that an operator moves from one state to another. Whatever token they had is used up.

import type { RowState, Stage } from '../../domain/index.js'
import type { SqliteTx } from './client.js'
import type { RowRecord } from './commands.js'
import { FamilyChanges, prepareFamilies } from './families.js'

/** Inside a write transaction. */
export interface RowMoves {
  cancel(row: RowRecord, now: number): void
  discard(row: RowRecord, now: number): void
  /** Due now, with the payload unless that is null. */
  redrive(row: RowRecord, to: RowState, stage: Stage, payload: string | null, now: number): void
}

const AT = 'where chunk_id = ?1 and idx = ?2'
const CANCELLED = `state = 'cancelled', next_at = null, carrier = null, finished_at = ?3, token_hash = null,
  token_expires_at = null`

export function prepareRowMoves(db: SqliteTx): RowMoves {
  const families = prepareFamilies(db)
  const cancel = db.prepare(`update spillway_parked set ${CANCELLED} ${AT}`)
  const discard = db.prepare(`update spillway_parked set ${CANCELLED}, generation = generation + 1 ${AT}`)
  const redrive = db.prepare(`
    update spillway_parked
    set state = ?4, stage = ?5, payload = coalesce(?6, payload), next_at = ?3, attempts = 0, finished_at = null,
      generation = generation + 1, token_hash = null, token_expires_at = null ${AT}`)

  function moved(row: RowRecord, to: RowState, now: number): void {
    const changes = new FamilyChanges()
    changes.moved(row.chunk_id, row.state, to)
    families.apply(changes, now)
  }

  return {
    cancel(row, now) {
      cancel.run(row.chunk_id, row.idx, now)
      moved(row, 'cancelled', now)
    },
    discard(row, now) {
      discard.run(row.chunk_id, row.idx, now)
      moved(row, 'cancelled', now)
    },
    redrive(row, to, stage, payload, now) {
      redrive.run(row.chunk_id, row.idx, now, to, stage, payload)
      moved(row, to, now)
    },
  }
}
