// Leasing chunks: by priority, then commit order, whatever is ready or whose lease expired.

import type { Lease } from '../../domain/index.js'
import type { AppendLease, ClaimRequest, ReadyTenant } from '../../ports/index.js'
import { blockersOf } from './ordering.js'
import { claimableInOrder, offerExpired, type QueueRecord, takeNext, tenantOf, withdraw } from './queue.js'
import { type ChunkRecord, liveCount } from './records.js'
import { finishChunk, type MemoryState, queueOf, settingsOf } from './state.js'

export function claim(state: MemoryState, request: ClaimRequest, now: number): Lease[] {
  const queue = state.queues.get(request.queue)
  const { paused, leasesMax } = settingsOf(state, request.queue)
  if (queue === undefined || paused) return []
  offerExpired(queue, now)
  const free = leasesMax === null ? request.chunksMax : leasesMax - queue.leased.size
  const chunksMax = Math.min(request.chunksMax, free)
  const leases: Lease[] = []
  let commands = 0
  while (leases.length < chunksMax && (leases.length === 0 || commands < request.commandsMax)) {
    const chunk = takeNext(queue, request)
    if (chunk === undefined) break
    commands += liveCount(chunk)
    const lease = takeLease(state, queue, chunk, now + request.leaseMs, now)
    if (lease !== null) leases.push(lease)
  }
  return leases
}

/** Leases a chunk that was just stored; null when it is left to claims. */
export function leaseFresh(
  state: MemoryState,
  chunk: ChunkRecord,
  { leaseMs }: AppendLease,
  now: number,
): Lease | null {
  const queue = queueOf(state, chunk.queue)
  const { paused, leasesMax } = settingsOf(state, chunk.queue)
  if (paused || chunk.partition !== null) return null
  offerExpired(queue, now)
  if (leasesMax !== null && queue.leased.size >= leasesMax) return null
  withdraw(queue, chunk)
  return takeLease(state, queue, chunk, now + leaseMs, now)
}

/** In commit order of the oldest chunk of each that could be claimed. */
export function readyTenants(
  state: MemoryState,
  name: string,
  types: readonly string[],
  limit: number,
  now: number,
): ReadyTenant[] {
  const queue = state.queues.get(name)
  if (queue === undefined || settingsOf(state, name).paused) return []
  offerExpired(queue, now)
  const oldestAt = new Map<string, number>()
  for (const chunk of claimableInOrder(queue, types)) {
    if (oldestAt.size === limit) break
    const tenant = tenantOf(chunk)
    if (!oldestAt.has(tenant)) oldestAt.set(tenant, chunk.createdAt)
  }
  return Array.from(oldestAt, ([tenant, at]) => ({ tenant, oldestAt: at }))
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
  return leaseOf(queue, chunk)
}

function leaseOf(queue: QueueRecord, chunk: ChunkRecord): Lease {
  return {
    chunkId: chunk.id,
    token: chunk.token,
    queue: chunk.queue,
    type: chunk.type,
    priority: chunk.priority,
    partition: chunk.partition,
    tenant: chunk.tenant,
    stage: chunk.stage,
    blockers: chunk.partition === null ? null : blockersOf(queue, chunk),
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
