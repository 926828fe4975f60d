// Everything a memory store holds, and the few moves that must keep its collections in step with each other.

import {
  DEFAULT_QUEUE_SETTINGS,
  isTerminal,
  parseCommandId,
  type QueueSettings,
  type RowState,
} from '../../domain/index.js'
import type { AuditRecord, RoleLease } from '../../ports/index.js'
import { Heap } from './heap.js'
import { enterOrdering, leaveOrdering, standsBefore } from './ordering.js'
import { dequeue, newQueue, type QueueRecord } from './queue.js'
import type { ChunkRecord, KeyRecord, NodeRecord, RowPlace, RowRecord, SharedRecord } from './records.js'
import { type MemoryTables, newTables } from './tables.js'

export interface MemoryState {
  readonly chunks: Map<string, ChunkRecord>
  readonly queues: Map<string, QueueRecord>
  /** Of queues that somebody configured. */
  readonly settings: Map<string, QueueSettings>
  readonly nodes: Map<string, NodeRecord>
  readonly roles: Map<string, RoleLease>
  /** Scope -> key -> record. */
  readonly keys: Map<string, Map<string, KeyRecord>>
  readonly keyExpiry: Heap<KeyRecord>
  /** Rows that wait for their time. */
  readonly due: Heap<RowRecord>
  /** Families that ended, by how long they are kept. */
  readonly ended: { readonly successful: Heap<ChunkRecord>; readonly unsuccessful: Heap<ChunkRecord> }
  /** Rows whose counterpart may answer with a token, by its hash, oldest first. */
  readonly waiting: Map<string, Set<RowRecord>>
  readonly shared: Map<string, SharedRecord>
  /** Oldest first. */
  readonly audit: AuditRecord[]
  readonly tables: MemoryTables
  /** Ids of submitted chunks, newest first; null when it has to be sorted anew. */
  listing: string[] | null
  lastSeq: number
  lastVersion: number
  lastAudit: number
}

export function newState(): MemoryState {
  const endedBefore = (a: ChunkRecord, b: ChunkRecord) => a.endedAt < b.endedAt
  return {
    chunks: new Map(),
    queues: new Map(),
    settings: new Map(),
    nodes: new Map(),
    roles: new Map(),
    keys: new Map(),
    keyExpiry: new Heap((a, b) => a.expiresAt < b.expiresAt),
    due: new Heap(dueBefore),
    ended: { successful: new Heap(endedBefore), unsuccessful: new Heap(endedBefore) },
    waiting: new Map(),
    shared: new Map(),
    audit: [],
    tables: newTables(),
    listing: null,
    lastSeq: 0,
    lastVersion: 0,
    lastAudit: 0,
  }
}

function dueBefore(a: RowRecord, b: RowRecord): boolean {
  return a.nextAt === b.nextAt ? standsBefore(a, b) : a.nextAt < b.nextAt
}

export function queueOf(state: MemoryState, name: string): QueueRecord {
  let queue = state.queues.get(name)
  if (queue === undefined) {
    queue = newQueue(name)
    state.queues.set(name, queue)
  }
  return queue
}

export function settingsOf(state: MemoryState, queue: string): QueueSettings {
  return state.settings.get(queue) ?? DEFAULT_QUEUE_SETTINGS
}

export interface StoredCommand {
  readonly chunk: ChunkRecord
  readonly index: number
  readonly row: RowRecord | null
}

/** The command of that id, or null when nothing of the name is stored. */
export function findCommand(state: MemoryState, id: string): StoredCommand | null {
  const ref = parseCommandId(id)
  const chunk = ref === null ? undefined : state.chunks.get(ref.chunkId)
  if (ref === null || chunk === undefined || chunk.cargo !== null) return null
  if (ref.index >= chunk.size || chunk.absent.has(ref.index)) return null
  return { chunk, index: ref.index, row: chunk.rows?.get(ref.index) ?? null }
}

/** The command that a repeat of that id is answered with; null when it is none, or that command is gone. */
export function findRepeated(state: MemoryState, id: string): StoredCommand | null {
  const ref = parseCommandId(id)
  const verdict = ref === null ? undefined : state.chunks.get(ref.chunkId)?.verdicts?.[ref.index]
  return verdict?.status === 'duplicate' ? findCommand(state, verdict.id) : null
}

/** Commands of the chunk that need not run any more. */
export function markOver(chunk: ChunkRecord, index: number): void {
  chunk.over ??= new Set()
  chunk.over.add(index)
  if (chunk.cursor === index) chunk.cursor = null
}

/** The chunk is over: what is still live in it succeeded. */
export function finishChunk(state: MemoryState, chunk: ChunkRecord, now: number): void {
  chunk.state = 'done'
  dequeue(queueOf(state, chunk.queue), chunk)
  if (chunk.cargo === null) refile(state, chunk, now)
  else state.chunks.delete(chunk.id)
}

/** A chunk that was over when it was stored: it is kept like any that ended. */
export function keepEnded(state: MemoryState, chunk: ChunkRecord): void {
  refile(state, chunk, chunk.createdAt)
}

/** Gives the command a row of its own, which is the truth about it from now on. */
export function addRow(state: MemoryState, origin: ChunkRecord, index: number): RowRecord {
  const row: RowRecord = {
    origin,
    index,
    place: 'carried',
    carrier: null,
    carrierIndex: 0,
    attempts: 0,
    nextAt: 0,
    finishedAt: null,
    error: null,
    result: null,
    generation: 0,
    history: [],
    stage: 'execute',
    memo: null,
    orderingKey: null,
    fingerprint: null,
    completion: null,
    payload: null,
    ordering: null,
    slot: -1,
  }
  origin.rows ??= new Map()
  origin.rows.set(index, row)
  origin.liveRows += 1
  queueOf(state, origin.queue).rowCounts.carried += 1
  return row
}

/** Moves the row to a state in which it waits until `nextAt`, or has ended now. */
export function moveRow(state: MemoryState, row: RowRecord, to: RowState, nextAt: number, now: number): void {
  const ended = isTerminal(to)
  replace(state, row, to)
  row.nextAt = nextAt
  row.finishedAt = ended ? now : null
  if (!ended && to !== 'blocked') state.due.push(row)
  refile(state, row.origin, now)
}

/** Moves the row into a promoted chunk. */
export function carryRow(state: MemoryState, row: RowRecord, carrier: ChunkRecord, index: number): void {
  replace(state, row, 'carried')
  row.carrier = carrier
  row.carrierIndex = index
}

function replace(state: MemoryState, row: RowRecord, to: RowPlace): void {
  const queue = queueOf(state, row.origin.queue)
  state.due.remove(row)
  leaveOrdering(queue, row)
  row.carrier = null
  tally(state, row, -1)
  row.place = to
  tally(state, row, 1)
  enterOrdering(queue, row)
}

/** Replaces whatever the row could be completed with. */
export function awaitToken(state: MemoryState, row: RowRecord, completion: RowRecord['completion']): void {
  const before = row.completion?.tokenHash
  if (before !== undefined) {
    const rows = state.waiting.get(before)
    rows?.delete(row)
    if (rows?.size === 0) state.waiting.delete(before)
  }
  row.completion = completion
  if (completion === null) return
  const rows = state.waiting.get(completion.tokenHash)
  if (rows === undefined) state.waiting.set(completion.tokenHash, new Set([row]))
  else rows.add(row)
}

function tally(state: MemoryState, row: RowRecord, by: 1 | -1): void {
  const { origin, place } = row
  queueOf(state, origin.queue).rowCounts[place] += by
  if (place === 'carried' || !isTerminal(place)) origin.liveRows += by
  else if (place !== 'succeeded') origin.unsuccessfulRows += by
}

/** Puts a family where pruning finds it once it ended, and takes it away while any of it lives. */
function refile(state: MemoryState, origin: ChunkRecord, now: number): void {
  const { successful, unsuccessful } = state.ended
  if (!successful.remove(origin)) unsuccessful.remove(origin)
  origin.endedAt = Math.max(origin.endedAt, now)
  if (origin.state !== 'done' || origin.liveRows > 0) return
  ;(origin.unsuccessfulRows > 0 ? unsuccessful : successful).push(origin)
}

/** Removes a family that ended. */
export function forget(state: MemoryState, origin: ChunkRecord): void {
  state.chunks.delete(origin.id)
  state.listing = null
  if (origin.rows === null) return
  const queue = queueOf(state, origin.queue)
  for (const row of origin.rows.values()) {
    queue.rowCounts[row.place] -= 1
    leaveOrdering(queue, row)
  }
}
