// Operators' verbs on stored commands. Whether a verb is allowed is asked of the domain's transition table.

import { parseCommandId, type RowState, transition } from '../../domain/index.js'
import type { ControlVerdict } from '../../ports/index.js'
import { prepareChunks } from './chunks.js'
import type { SqliteStatement, SqliteTx } from './client.js'
import { type Holder, prepareCommands, type RowRecord, type StoredCommand } from './commands.js'
import { FamilyChanges, prepareFamilies } from './families.js'
import type { Hints } from './hints.js'
import { formatIndexes } from './index-list.js'
import { type ParkedRow, prepareParked } from './parked.js'

/** Inside a write transaction. */
export interface Controller {
  cancel(ids: readonly string[], now: number, hints: Hints): ControlVerdict[]
  redrive(ids: readonly string[], now: number, hints: Hints): ControlVerdict[]
}

export function prepareController(db: SqliteTx): Controller {
  const commands = prepareCommands(db)
  const chunks = prepareChunks(db)
  const parked = prepareParked(db)
  const families = prepareFamilies(db)
  const takeOut = db.prepare('update spillway_chunks set skip = ?2, live = ?3 where seq = ?1')
  const cancelRow = db.prepare(`
    update spillway_parked set state = 'cancelled', next_at = null, carrier = null, finished_at = ?3
    where chunk_id = ?1 and idx = ?2`)
  const redriveRow = db.prepare(`
    update spillway_parked
    set state = 'retrying', next_at = ?3, attempts = 0, generation = generation + 1, finished_at = null
    where chunk_id = ?1 and idx = ?2`)

  /** Takes the command out of the chunk it waits in; a chunk left empty is over. */
  function leave(holder: Holder, now: number, hints: Hints): void {
    const skip = new Set([...holder.skip, holder.index])
    takeOut.run(holder.chunk.seq, formatIndexes(skip), holder.chunk.size - skip.size)
    if (skip.size === holder.chunk.size) chunks.finish(holder.chunk, now, hints)
  }

  function addCancelled({ chunk, index }: StoredCommand, now: number): void {
    const { id: chunkId, queue, type, priority, partition, created_at: acceptedAt } = chunk
    const blank = { attempts: 0, nextAt: null, error: null, result: null, executedAt: null }
    const row: ParkedRow = { ...blank, chunkId, index, state: 'cancelled', acceptedAt, finishedAt: now }
    parked.write({ queue, type, priority, partition, carrier: null }, [row], now)
  }

  function moveRow(statement: SqliteStatement, row: RowRecord, to: RowState, now: number): void {
    statement.run(row.chunk_id, row.idx, now)
    const changes = new FamilyChanges()
    changes.moved(row.chunk_id, row.state, to)
    families.apply(changes, now)
  }

  function cancel(command: StoredCommand, now: number, hints: Hints): boolean {
    if (transition(command.state, 'cancel') === null) return false
    const holder = commands.holderOf(command)
    if (holder !== null) leave(holder, now, hints)
    if (command.row === null) addCancelled(command, now)
    else moveRow(cancelRow, command.row, 'cancelled', now)
    return true
  }

  function redrive({ chunk, row, state }: StoredCommand, now: number, hints: Hints): boolean {
    if (row === null || transition(state, 'redrive') === null) return false
    moveRow(redriveRow, row, 'retrying', now)
    hints.add(chunk.queue, 1)
    return true
  }

  function each(ids: readonly string[], now: number, hints: Hints, verb: typeof cancel): ControlVerdict[] {
    return ids.map((id) => {
      const command = find(id)
      if (command === null) return 'not_found'
      return verb(command, now, hints) ? 'ok' : 'conflict'
    })
  }

  function find(id: string): StoredCommand | null {
    const ref = parseCommandId(id)
    return ref === null ? null : commands.find(ref)
  }

  return {
    cancel: (ids, now, hints) => each(ids, now, hints, cancel),
    redrive: (ids, now, hints) => each(ids, now, hints, redrive),
  }
}
