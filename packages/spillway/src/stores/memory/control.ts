// Operators' verbs on stored commands and queues. Whether a verb is allowed is asked of the domain's transition table.

import { transition } from '../../domain/index.js'
import type { ControlVerdict } from '../../ports/index.js'
import { liveCount } from './records.js'
import {
  addRow,
  findCommand,
  finishChunk,
  type MemoryState,
  markOver,
  moveRow,
  type StoredCommand,
} from './state.js'
import { stateOf } from './view.js'
import type { Notify } from './wake.js'

export function cancelOne(state: MemoryState, id: string, now: number): ControlVerdict {
  const command = findCommand(state, id)
  if (command === null) return 'not_found'
  if (transition(stateOf(command), 'cancel') === null) return 'conflict'
  leaveChunk(state, command, now)
  const row = command.row ?? addRow(state, command.chunk, command.index)
  moveRow(state, row, 'cancelled', now, now)
  return 'ok'
}

/** Takes the command out of the chunk it waits in, if it does; a chunk left empty is done. */
function leaveChunk(state: MemoryState, { chunk, index, row }: StoredCommand, now: number): void {
  const holder = row === null ? chunk : row.carrier
  if (holder === null) return
  markOver(holder, row === null ? index : row.carrierIndex)
  if (liveCount(holder) === 0) finishChunk(state, holder, now)
}

export function redriveOne(state: MemoryState, id: string, now: number, notify: Notify): ControlVerdict {
  const command = findCommand(state, id)
  if (command === null) return 'not_found'
  const { row, chunk } = command
  if (row === null || transition(stateOf(command), 'redrive') === null) return 'conflict'
  row.attempts = 0
  row.generation += 1
  moveRow(state, row, 'retrying', now, now)
  notify(chunk.queue, 1)
  return 'ok'
}

export function setPaused(state: MemoryState, queue: string, paused: boolean, notify: Notify): void {
  if (paused) state.paused.add(queue)
  else if (state.paused.delete(queue)) notify(queue, 0)
}
