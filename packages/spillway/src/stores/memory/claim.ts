// Leasing chunks: by priority, then commit order, whatever is ready or whose lease expired.

import { DEFAULT_QUEUE_SETTINGS, type Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import { offerExpired, type QueueRecord, takeNext } from './queue.js'
import { type ChunkRecord, liveCount } from './records.js'
import { finishChunk, type MemoryState } from './state.js'

export function claim(state: MemoryState, request: ClaimRequest, now: number): Lease[] {
  const queue = state.queues.get(request.queue)
  const { paused, leasesMax } = state.settings.get(request.queue) ?? DEFAULT_QUEUE_SETTINGS
  if (queue === undefined || paused) return []
  offerExpired(queue, now)
  const free = leasesMax === null ? request.chunksMax : leasesMax - queue.leased.size
  const chunksMax = Math.min(request.chunksMax, free)
  const leases: Lease[] = []
  let commands = 0
  while (leases.length < chunksMax && (leases.length === 0 || commands < request.commandsMax)) {
    const chunk = takeNext(queue, request.types)
    if (chunk === undefined) break
    commands += liveCount(chunk)
    const lease = takeLease(state, queue, chunk, now + request.leaseMs, now)
    if (lease !== null) leases.push(lease)
  }
  return leases
}

function takeLease(
  state: MemoryState,
  queue: QueueRecord,
  chunk: ChunkRecord,
  expiresAt: number,
  now: number,
): Lease | null {
  if (chunk.state === 'leased') chunk.expiries += 1
  // Its holder finished everything and died before it said so.
  if (liveCount(chunk) === 0) {
    finishChunk(state, chunk, now)
    return null
  }
  chunk.state = 'leased'
  chunk.token += 1
  chunk.leaseExpiresAt = expiresAt
  queue.leased.push(chunk)
  return leaseOf(chunk)
}

function leaseOf(chunk: ChunkRecord): Lease {
  return {
    chunkId: chunk.id,
    token: chunk.token,
    queue: chunk.queue,
    type: chunk.type,
    priority: chunk.priority,
    partition: chunk.partition,
    codec: chunk.codec,
    body: chunk.body,
    size: chunk.size,
    skip: skipOf(chunk),
    members: chunk.cargo === null ? null : chunk.cargo.map((cargo) => cargo.member),
    expiries: chunk.expiries,
    cursor: chunk.cursor,
    createdAt: chunk.createdAt,
  }
}

function skipOf(chunk: ChunkRecord): number[] {
  return [...chunk.absent, ...(chunk.over ?? [])].sort((a, b) => a - b)
}
