// Taking back a command that waits: out of the chunk it waits in, if it does, and into a row that says so.

import { transition } from '../../domain/index.js'
import { prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import type { Commands, Holder, StoredCommand } from './commands.js'
import type { Hints } from './hints.js'
import { formatIndexes } from './index-list.js'
import { type ParkedRow, prepareParked } from './parked.js'
import { prepareRowMoves } from './row-moves.js'
import { storedNotes } from './row-notes.js'

/** False when its state does not allow it. Inside a write transaction. */
export type Cancel = (command: StoredCommand, now: number, hints: Hints) => boolean

export function prepareCancel(db: SqliteTx, commands: Commands): Cancel {
  const chunks = prepareChunks(db)
  const parked = prepareParked(db)
  const moves = prepareRowMoves(db)
  const takeOut = db.prepare('update spillway_chunks set skip = ?2, live = ?3 where seq = ?1')

  /** A chunk left empty is over. */
  function leave(holder: Holder, now: number, hints: Hints): void {
    const skip = new Set([...holder.skip, holder.index])
    takeOut.run(holder.chunk.seq, formatIndexes(skip), holder.chunk.size - skip.size)
    if (skip.size === holder.chunk.size) chunks.finish(holder.chunk, now, hints)
  }

  function addCancelled({ chunk, index }: StoredCommand, now: number): void {
    const { id: chunkId, seq, queue, type, priority, partition, created_at: acceptedAt } = chunk
    const row: ParkedRow = {
      ...{ chunkId, index, seq, state: 'cancelled', attempts: 0, nextAt: null, acceptedAt, finishedAt: now },
      ...{ error: null, result: null, trial: null, notes: storedNotes({}, null, now) },
    }
    parked.write({ queue, type, priority, partition, carrier: null }, [row], now)
  }

  return (command, now, hints) => {
    if (transition(command.state, 'cancel') === null) return false
    const holder = commands.holderOf(command)
    if (holder !== null) leave(holder, now, hints)
    if (command.row === null) addCancelled(command, now)
    else moves.cancel(command.row, now)
    return true
  }
}
