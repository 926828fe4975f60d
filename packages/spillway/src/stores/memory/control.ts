// Operators' verbs on stored commands and queues. Whether a verb is allowed is asked of the domain's transition table.

import {
  changedSettings,
  DEFAULT_QUEUE_SETTINGS,
  isDefaultSettings,
  type QueueSettings,
  transition,
} from '../../domain/index.js'
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

export function configureQueue(
  state: MemoryState,
  queue: string,
  change: Partial<QueueSettings>,
  notify: Notify,
): QueueSettings {
  const settings = changedSettings(state.settings.get(queue) ?? DEFAULT_QUEUE_SETTINGS, change)
  state.settings.set(queue, settings)
  // There may be work for workers that found none before.
  if (!settings.paused) notify(queue, 0)
  return settings
}

/** By name, of the queues that are not as any queue is. */
export function queueSettings(state: MemoryState): Map<string, QueueSettings> {
  const changed = [...state.settings].filter(([, settings]) => !isDefaultSettings(settings))
  return new Map(changed.sort(([a], [b]) => (a < b ? -1 : 1)))
}
