// One queue's chunks by what can happen to them next: claimable now, leased until, or behind another of their partition.
// Everything finished has left these collections, so claiming costs what is waiting and not what is stored.

import { Heap } from './heap.js'
import { type ChunkRecord, liveCount, type RowPlace } from './records.js'

export interface QueueRecord {
  readonly name: string
  /** By type: ready chunks and chunks whose lease expired, the next one first. */
  readonly claimable: Map<string, Heap<ChunkRecord>>
  readonly leased: Heap<ChunkRecord>
  readonly partitions: Map<number, PartitionLine>
  /** Chunks that are not done. */
  readonly open: Set<ChunkRecord>
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
    rowCounts: { scheduled: 0, retrying: 0, carried: 0, succeeded: 0, failed: 0, dead: 0, cancelled: 0 },
  }
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
  let heap = queue.claimable.get(chunk.type)
  if (heap === undefined) {
    heap = new Heap(runsBefore)
    queue.claimable.set(chunk.type, heap)
  }
  heap.push(chunk)
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

/** The next claimable chunk of these types, taken out. */
export function takeNext(queue: QueueRecord, types: readonly string[]): ChunkRecord | undefined {
  let next: ChunkRecord | undefined
  for (const type of types) {
    const first = queue.claimable.get(type)?.peek()
    if (first !== undefined && (next === undefined || runsBefore(first, next))) next = first
  }
  if (next !== undefined) withdraw(queue, next)
  return next
}

/** Takes the chunk out of whatever decides about its next claim. */
export function withdraw(queue: QueueRecord, chunk: ChunkRecord): void {
  if (!queue.leased.remove(chunk)) queue.claimable.get(chunk.type)?.remove(chunk)
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

export interface WaitingCounts {
  readonly ready: number
  readonly running: number
  readonly oldestReadyAt: number | null
}

export function countWaiting(queue: QueueRecord): WaitingCounts {
  let ready = 0
  let running = 0
  let oldestReadyAt: number | null = null
  for (const chunk of queue.open) {
    if (chunk.state === 'leased') {
      running += liveCount(chunk)
      continue
    }
    ready += liveCount(chunk)
    if (oldestReadyAt === null || chunk.createdAt < oldestReadyAt) oldestReadyAt = chunk.createdAt
  }
  return { ready, running, oldestReadyAt }
}
