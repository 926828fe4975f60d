// Reading the memory store. Counts are recounted from the records, not taken from the write path's bookkeeping, so that
// the accounting identity is evidence.

import { PAGE_ROWS_MAX, PARKED_STATES, parseCommandId, TERMINAL_STATES } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { Accounting, CommandView, ListRequest, QueueCounts } from '../../ports/index.js'
import { payloadReader } from './payloads.js'
import { countWaiting, newQueue } from './queue.js'
import { type ChunkRecord, liveCount } from './records.js'
import { findCommand, findRepeated, type MemoryState, type StoredCommand } from './state.js'
import { rowState, stateOf, viewOf } from './view.js'

export function getCommands(
  state: MemoryState,
  ids: readonly string[],
  payload: boolean,
): (CommandView | null)[] {
  const payloadOf = payloadReader()
  return ids.map((id) => {
    const command = findCommand(state, id) ?? findRepeated(state, id)
    if (command === null) return null
    const view = viewOf(command)
    if (!payload) return view
    const { chunk, index, row } = command
    return { ...view, payload: payloadOf(row ?? { origin: chunk, index, payload: null }) }
  })
}

export function listCommands(
  state: MemoryState,
  request: ListRequest,
): { items: CommandView[]; next: string | null } {
  const limit = Math.min(Math.max(1, request.limit), PAGE_ROWS_MAX)
  const items: CommandView[] = []
  for (const command of commandsAfter(state, request.after)) {
    if (!matches(command, request)) continue
    if (items.length === limit) return { items, next: items.at(-1)?.id ?? null }
    items.push(viewOf(command))
  }
  return { items, next: null }
}

function matches(command: StoredCommand, request: ListRequest): boolean {
  const { chunk, row } = command
  if (request.queue !== undefined && chunk.queue !== request.queue) return false
  if (request.type !== undefined && chunk.type !== request.type) return false
  if (request.fingerprint !== undefined && row?.fingerprint !== request.fingerprint) return false
  return request.state === undefined || stateOf(command) === request.state
}

/** Stored commands by id descending, from after the given one. */
function* commandsAfter(state: MemoryState, after: string | undefined): Generator<StoredCommand> {
  const from = after === undefined ? null : parseCommandId(after)
  if (after !== undefined && from === null) {
    throw new SpillwayError('invalid_argument', 'Continue a listing with the `next` of its last page.')
  }
  const listing = listingOf(state)
  for (let at = from === null ? 0 : firstNotAbove(listing, from.chunkId); at < listing.length; at += 1) {
    const chunk = state.chunks.get(listing[at] as string) as ChunkRecord
    const last = chunk.id === from?.chunkId ? Math.min(chunk.size, from.index) - 1 : chunk.size - 1
    for (let index = last; index >= 0; index -= 1) {
      if (!chunk.absent.has(index)) yield { chunk, index, row: chunk.rows?.get(index) ?? null }
    }
  }
}

function listingOf(state: MemoryState): string[] {
  state.listing ??= [...state.chunks.values()]
    .filter((chunk) => chunk.cargo === null)
    .map((chunk) => chunk.id)
    .sort((a, b) => (a < b ? 1 : -1))
  return state.listing
}

/** Binary search in ids that descend. */
function firstNotAbove(ids: readonly string[], id: string): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] as string) > id) low = middle + 1
    else high = middle
  }
  return low
}

export function countQueues(state: MemoryState): QueueCounts[] {
  const names = new Set([...state.queues.keys(), ...state.settings.keys()])
  return [...names].sort().map((name) => {
    const { rowCounts: rows, ...queue } = state.queues.get(name) ?? newQueue(name)
    const carried = countWaiting(queue)
    return {
      queue: name,
      paused: state.settings.get(name)?.paused ?? false,
      ...carried,
      scheduled: rows.scheduled,
      retrying: rows.retrying,
      reconciling: rows.reconciling + carried.reconciling,
      pending: rows.pending + carried.pending,
      blocked: rows.blocked,
      compensating: rows.compensating + carried.compensating,
      failed: rows.failed,
      dead: rows.dead,
      cancelled: rows.cancelled,
      compensated: rows.compensated,
    }
  })
}

type Tally = { -readonly [Field in keyof Accounting]: number }

export function account(state: MemoryState): Accounting {
  const states = ['accepted', 'ready', 'running', ...PARKED_STATES, ...TERMINAL_STATES]
  const tally = Object.fromEntries(states.map((one) => [one, 0])) as Tally
  for (const chunk of state.chunks.values()) {
    if (chunk.cargo === null) addFamily(tally, chunk)
  }
  return tally
}

function addFamily(tally: Tally, chunk: ChunkRecord): void {
  const stored = chunk.size - chunk.absent.size
  const live = liveCount(chunk)
  tally.accepted += stored
  tally[chunk.state === 'leased' ? 'running' : 'ready'] += live
  tally.succeeded += stored - live - (chunk.rows?.size ?? 0)
  for (const row of chunk.rows?.values() ?? []) {
    const state = rowState(row)
    tally[state === 'accepted' ? 'ready' : state] += 1
  }
}
