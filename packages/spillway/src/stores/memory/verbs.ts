// What a verb does to one stored command. Whether it is allowed is asked of the domain's transition table.

import { type ParkedState, redriveEvent, type Stage, transition } from '../../domain/index.js'
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

/** `at`: the place of the item among those named. */
export type Verb<Item, Verdict> = (
  state: MemoryState,
  item: Item,
  now: number,
  notify: Notify,
  at: number,
) => Verdict

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

const REDRIVEN_STAGES = {
  redrive: 'execute',
  redriveDoubt: 'reconcile',
  redriveUndo: 'compensate',
} as const satisfies Record<ReturnType<typeof redriveEvent>, Stage>

export function redriving(payloads: readonly (string | null)[] | undefined): Verb<string, ControlVerdict> {
  return (state, id, now, notify, at) => {
    const command = findCommand(state, id)
    if (command === null) return 'not_found'
    const { row, chunk } = command
    if (row === null) return 'conflict'
    const event = redriveEvent(stateOf(command), row.stage)
    const next = transition(stateOf(command), event)
    if (next === null) return 'conflict'
    row.attempts = 0
    row.generation += 1
    row.stage = REDRIVEN_STAGES[event]
    row.payload = payloads?.[at] ?? row.payload
    moveRow(state, row, next as ParkedState, now, now)
    notify(chunk.queue, 1)
    return 'ok'
  }
}

export function discardOne(state: MemoryState, id: string, now: number): ControlVerdict {
  const command = findCommand(state, id)
  if (command === null) return 'not_found'
  const { row } = command
  if (row === null || transition(stateOf(command), 'discard') === null) return 'conflict'
  row.generation += 1
  moveRow(state, row, 'cancelled', now, now)
  return 'ok'
}
