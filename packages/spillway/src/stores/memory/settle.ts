// What the holder of a lease writes: progress, heartbeats, completion. Every write compares the token first.

import type { ChunkDraft, LeaseProgress, LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { appendTerms } from '../../ports/index.js'
import { append } from './append.js'
import { offer, withdraw } from './queue.js'
import { type ChunkRecord, isLive, liveCount } from './records.js'
import { applyFinished, applyUpdate } from './rows.js'
import { finishChunk, type MemoryState, queueOf } from './state.js'
import type { Notify } from './wake.js'

/** The chunk while the lease is this token's, else null. */
export function heldChunk(state: MemoryState, { chunkId, token }: LeaseRef): ChunkRecord | null {
  const chunk = state.chunks.get(chunkId)
  return chunk !== undefined && chunk.state === 'leased' && chunk.token === token ? chunk : null
}

export function settleOne(state: MemoryState, item: Settlement, now: number, notify: Notify): LeaseVerdict {
  const chunk = heldChunk(state, item)
  if (chunk === null) return 'stale'
  applyProgress(state, chunk, item, now)
  appendFollowing(state, item.appends, now, notify)
  if (!item.complete) return 'ok'
  if (chunk.cargo !== null) {
    for (let index = 0; index < chunk.size; index += 1) {
      if (isLive(chunk, index)) applyFinished(state, chunk, index, now)
    }
  }
  finishChunk(state, chunk, now)
  return 'ok'
}

export function extendOne(
  state: MemoryState,
  item: LeaseProgress,
  leaseMs: number,
  now: number,
  notify: Notify,
): LeaseVerdict {
  const chunk = heldChunk(state, item)
  if (chunk === null) return 'stale'
  applyProgress(state, chunk, item, now)
  appendFollowing(state, item.appends, now, notify)
  if (item.release === true) {
    release(state, chunk, now, notify)
    return 'ok'
  }
  if (item.cursor !== undefined && !isOutdated(chunk, item.cursor)) chunk.cursor = item.cursor
  const queue = queueOf(state, chunk.queue)
  withdraw(queue, chunk)
  chunk.leaseExpiresAt = now + leaseMs
  queue.leased.push(chunk)
  return 'ok'
}

const PLAIN = appendTerms()

/** Stores what follows from outcomes or verbs. */
export function appendFollowing(
  state: MemoryState,
  drafts: readonly (ChunkDraft | null)[] | undefined,
  now: number,
  notify: Notify,
): void {
  if (drafts === undefined || drafts.length === 0) return
  const given = drafts.filter((draft) => draft !== null)
  const keyless = given.map((draft) => ({ ...draft, keys: null }))
  append(state, keyless, PLAIN, now, notify)
}

/** A heartbeat that arrives after later ones must not blame a command that has ended for the next one's crash. */
function isOutdated(chunk: ChunkRecord, cursor: number | null): boolean {
  return cursor !== null && !isLive(chunk, cursor)
}

function release(state: MemoryState, chunk: ChunkRecord, now: number, notify: Notify): void {
  const live = liveCount(chunk)
  if (live === 0) {
    finishChunk(state, chunk, now)
    return
  }
  const queue = queueOf(state, chunk.queue)
  withdraw(queue, chunk)
  chunk.state = 'ready'
  chunk.cursor = null
  offer(queue, chunk)
  notify(chunk.queue, live)
}

/** What was written once stays: repeating it after a lost answer, or for a command that ended, changes nothing. */
function applyProgress(
  state: MemoryState,
  chunk: ChunkRecord,
  progress: Pick<Settlement, 'updates' | 'finished'>,
  now: number,
): void {
  for (const update of progress.updates) {
    if (isLive(chunk, update.index)) applyUpdate(state, chunk, update, now)
  }
  for (const index of progress.finished) {
    if (isLive(chunk, index)) applyFinished(state, chunk, index, now)
  }
}
