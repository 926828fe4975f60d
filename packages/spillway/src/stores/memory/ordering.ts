// Who holds up whom in ordered queues: per partition and ordering key the rows that are not over, and those that wait for
// them. Kept in step by state.ts, so that claiming and letting go cost what is held up and not what is stored.

import type { Blocker, Place } from '../../domain/index.js'
import { Heap } from './heap.js'
import type { QueueRecord } from './queue.js'
import type { ChunkRecord, Ordering, RowPlace, RowRecord } from './records.js'

/** Scheduled rows hold up nobody; blocked ones wait in their order. */
const HOLDING: ReadonlySet<RowPlace> = new Set([
  ...(['retrying', 'reconciling', 'pending', 'compensating', 'carried', 'dead'] as const),
])

export function placeOf({ origin, index }: RowRecord): Place {
  return [origin.seq, index]
}

export function standsBefore(a: RowRecord, b: RowRecord): boolean {
  return a.origin === b.origin ? a.index < b.index : a.origin.seq < b.origin.seq
}

/** Takes the row in where it stands now. */
export function enterOrdering(queue: QueueRecord, row: RowRecord): void {
  const isBlocked = row.place === 'blocked'
  if (!isBlocked && (row.orderingKey === null || !HOLDING.has(row.place))) return
  const ordering = orderingOf(queue, row)
  row.ordering = ordering
  if (isBlocked) ordering.blocked.push(row)
  else ordering.holders.add(row)
}

export function leaveOrdering(queue: QueueRecord, row: RowRecord): void {
  const { ordering } = row
  if (ordering === null) return
  row.ordering = null
  if (!ordering.holders.delete(row)) ordering.blocked.remove(row)
  if (ordering.holders.size > 0 || ordering.blocked.size > 0) return
  const keys = queue.orderings.get(row.origin.partition)
  // Rows let go together leave one after the other; the first may have opened a new one by now.
  if (keys?.get(ordering.key) === ordering) keys.delete(ordering.key)
  if (keys?.size === 0) queue.orderings.delete(row.origin.partition)
}

function orderingOf({ orderings }: QueueRecord, { origin, orderingKey }: RowRecord): Ordering {
  let keys = orderings.get(origin.partition)
  if (keys === undefined) {
    keys = new Map()
    orderings.set(origin.partition, keys)
  }
  let ordering = keys.get(orderingKey)
  if (ordering === undefined) {
    ordering = { key: orderingKey, holders: new Set(), blocked: new Heap(standsBefore) }
    keys.set(orderingKey, ordering)
  }
  return ordering
}

/** Blocked rows that nobody before them holds up any more, the first of each key first; at most `limit`. */
export function unblockedRows(queue: QueueRecord, limit: number): RowRecord[] {
  const free: RowRecord[] = []
  for (const keys of queue.orderings.values()) {
    for (const ordering of keys.values()) {
      if (ordering.blocked.size === 0) continue
      const first = firstOf(ordering.holders)
      while (free.length < limit) {
        const row = ordering.blocked.peek()
        if (row === undefined || (first !== null && standsBefore(first, row))) break
        ordering.blocked.pop()
        free.push(row)
      }
    }
  }
  return free
}

/** What holds up the keys of the chunk's partition, without what the chunk carries itself. */
export function blockersOf(queue: QueueRecord, chunk: ChunkRecord): Blocker[] {
  const blockers: Blocker[] = []
  for (const [orderingKey, { holders, blocked }] of queue.orderings.get(chunk.partition) ?? []) {
    const others = [...holders].filter((row) => row.carrier !== chunk)
    const waiting = blocked.peek()
    const first = firstOf(waiting === undefined ? others : [...others, waiting])
    if (first !== null && orderingKey !== null) blockers.push({ orderingKey, place: placeOf(first) })
  }
  return blockers
}

function firstOf(rows: Iterable<RowRecord>): RowRecord | null {
  let first: RowRecord | null = null
  for (const row of rows) if (first === null || standsBefore(row, first)) first = row
  return first
}
