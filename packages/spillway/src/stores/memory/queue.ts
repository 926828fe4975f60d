// One queue's chunks by what can happen to them next: claimable now, leased until, or behind another of their partition.
// Everything finished has left these collections, so claiming costs what is waiting and not what is stored.

import { carriedState, PARKED_STATES, TERMINAL_STATES } from '../../domain/index.js'
import type { ClaimRequest, QueueCounts } from '../../ports/index.js'
import { Heap } from './heap.js'
import { type ChunkRecord, liveCount, type Orderings, type RowPlace } from './records.js'

export interface QueueRecord {
  readonly name: string
  /** By type and tenant ('' = none): ready chunks and chunks whose lease expired, the next one first. */
  readonly claimable: Map<string, Map<string, Heap<ChunkRecord>>>
  readonly leased: Heap<ChunkRecord>
  readonly partitions: Map<number, PartitionLine>
  /** Chunks that are not done, in commit order. */
  readonly open: Set<ChunkRecord>
  readonly orderings: Orderings
  readonly rowCounts: Record<RowPlace, number>
}

/** The open chunks of a partition in commit order; only the first may be claimed. */
interface PartitionLine {
  chunks: ChunkRecord[]
  head: number
}

/** Finished chunks at the front of a partition's line that are kept before the array is cut. */
const PARTITION_GAP_MAX = 1_024

export function newQueue(name: string): QueueRecord {
  return {
    name,
    claimable: new Map(),
    leased: new Heap((a, b) => a.leaseExpiresAt < b.leaseExpiresAt),
    partitions: new Map(),
    open: new Set(),
    orderings: new Map(),
    rowCounts: noRows(),
  }
}

function noRows(): Record<RowPlace, number> {
  const places: RowPlace[] = ['carried', ...PARKED_STATES, ...TERMINAL_STATES]
  return Object.fromEntries(places.map((place) => [place, 0])) as Record<RowPlace, number>
}

/** Higher priority first, then commit order. */
function runsBefore(a: ChunkRecord, b: ChunkRecord): boolean {
  return a.priority === b.priority ? a.seq < b.seq : a.priority > b.priority
}

/** Takes in a new chunk that is ready. */
export function enqueue(queue: QueueRecord, chunk: ChunkRecord): void {
  queue.open.add(chunk)
  if (chunk.partition !== null) {
    const line = queue.partitions.get(chunk.partition)
    if (line !== undefined) {
      line.chunks.push(chunk)
      return
    }
    queue.partitions.set(chunk.partition, { chunks: [chunk], head: 0 })
  }
  offer(queue, chunk)
}

/** Lets the chunk be claimed: it is ready, or its lease expired. */
export function offer(queue: QueueRecord, chunk: ChunkRecord): void {
  const tenant = tenantOf(chunk)
  let tenants = queue.claimable.get(chunk.type)
  if (tenants === undefined) {
    tenants = new Map()
    queue.claimable.set(chunk.type, tenants)
  }
  let heap = tenants.get(tenant)
  if (heap === undefined) {
    heap = new Heap(runsBefore)
    tenants.set(tenant, heap)
  }
  heap.push(chunk)
}

export function tenantOf({ tenant }: ChunkRecord): string {
  return tenant ?? ''
}

/** A lease whose time is over can be claimed; until somebody does, its holder may still settle. */
export function offerExpired(queue: QueueRecord, now: number): void {
  for (;;) {
    const chunk = queue.leased.peek()
    if (chunk === undefined || chunk.leaseExpiresAt > now) return
    queue.leased.pop()
    offer(queue, chunk)
  }
}

type Wanted = Pick<ClaimRequest, 'types' | 'tenant' | 'oldestFirst'>

/** The next claimable chunk of those that are asked for, taken out. */
export function takeNext(queue: QueueRecord, wanted: Wanted): ChunkRecord | undefined {
  const next = wanted.oldestFirst === true ? oldest(queue, wanted) : firstToRun(queue, wanted)
  if (next !== undefined) withdraw(queue, next)
  return next
}

function firstToRun(queue: QueueRecord, { types, tenant }: Wanted): ChunkRecord | undefined {
  let next: ChunkRecord | undefined
  for (const type of types) {
    const tenants = queue.claimable.get(type)
    const heaps = tenant === undefined ? (tenants?.values() ?? []) : [tenants?.get(tenant)]
    for (const heap of heaps) {
      const first = heap?.peek()
      if (first !== undefined && (next === undefined || runsBefore(first, next))) next = first
    }
  }
  return next
}

function oldest(queue: QueueRecord, { types, tenant }: Wanted): ChunkRecord | undefined {
  for (const chunk of claimableInOrder(queue, types)) {
    if (tenant === undefined || tenant === tenantOf(chunk)) return chunk
  }
  return undefined
}

/** Claimable chunks in commit order. */
export function* claimableInOrder(queue: QueueRecord, types: readonly string[]): Generator<ChunkRecord> {
  for (const chunk of queue.open) {
    if (types.includes(chunk.type) && heapOf(queue, chunk)?.has(chunk)) yield chunk
  }
}

function heapOf(queue: QueueRecord, chunk: ChunkRecord): Heap<ChunkRecord> | undefined {
  return queue.claimable.get(chunk.type)?.get(tenantOf(chunk))
}

/** Takes the chunk out of whatever decides about its next claim. */
export function withdraw(queue: QueueRecord, chunk: ChunkRecord): void {
  if (queue.leased.remove(chunk)) return
  const heap = heapOf(queue, chunk)
  heap?.remove(chunk)
  // Tenants come and go; those with nothing to claim must not slow down the others.
  if (heap?.size === 0) queue.claimable.get(chunk.type)?.delete(tenantOf(chunk))
}

/** A chunk that is done makes way for the next one of its partition. */
export function dequeue(queue: QueueRecord, chunk: ChunkRecord): void {
  withdraw(queue, chunk)
  queue.open.delete(chunk)
  if (chunk.partition === null) return
  const line = queue.partitions.get(chunk.partition)
  if (line === undefined || line.chunks[line.head] !== chunk) return
  const next = advance(line)
  if (next === undefined) queue.partitions.delete(chunk.partition)
  else offer(queue, next)
}

function advance(line: PartitionLine): ChunkRecord | undefined {
  while (line.chunks[line.head]?.state === 'done') line.head += 1
  if (line.head > PARTITION_GAP_MAX && line.head * 2 > line.chunks.length) {
    line.chunks = line.chunks.slice(line.head)
    line.head = 0
  }
  return line.chunks[line.head]
}

export type WaitingCounts = Pick<QueueCounts, CarriedState | 'readyBytes' | 'oldestReadyAt'>

/** Under which a carried command is counted. */
type CarriedState = 'ready' | 'running' | 'reconciling' | 'pending' | 'compensating'

/** What is in chunks. */
export function countWaiting(queue: Pick<QueueRecord, 'open'>): WaitingCounts {
  const counts = { ready: 0, running: 0, reconciling: 0, pending: 0, compensating: 0, readyBytes: 0 }
  let oldestReadyAt: number | null = null
  for (const chunk of queue.open) {
    const leased = chunk.state === 'leased'
    const state = carriedState(chunk.stage, leased)
    counts[(state === 'accepted' ? 'ready' : state) as CarriedState] += liveCount(chunk)
    if (leased) continue
    counts.readyBytes += chunk.bytes
    if (oldestReadyAt === null || chunk.createdAt < oldestReadyAt) oldestReadyAt = chunk.createdAt
  }
  return { ...counts, oldestReadyAt }
}
