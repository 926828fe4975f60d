// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else.

import { CHUNK_BYTES_MAX, type ChunkMember, commandId, encodeBody } from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { placeOf, unblockedRows } from './ordering.js'
import { payloadReader } from './payloads.js'
import { enqueue } from './queue.js'
import { type Cargo, type ChunkRecord, newChunk, type RowRecord } from './records.js'
import { carryRow, type MemoryState, moveRow, queueOf } from './state.js'
import type { Notify } from './wake.js'

export function promote(state: MemoryState, request: PromoteRequest, now: number, notify: Notify): number {
  unblock(state, request.limit, now)
  const rows = takeDue(state, request.limit, now)
  const payloadOf = payloadReader()
  for (const group of groupRows(rows)) {
    let start = 0
    while (start < group.length) {
      const taken = fill(group, start, request.chunkCommandsMax, payloadOf)
      const chunk = load(state, group.slice(start, start + taken.length), taken, request.newChunkId(), now)
      notify(chunk.queue, chunk.size)
      start += taken.length
    }
  }
  return rows.length
}

/** Lets go of what nobody holds up any more. */
function unblock(state: MemoryState, limit: number, now: number): void {
  let left = limit
  for (const queue of state.queues.values()) {
    const rows = unblockedRows(queue, left)
    for (const row of rows) moveRow(state, row, 'retrying', now, now)
    left -= rows.length
  }
}

function takeDue(state: MemoryState, limit: number, now: number): RowRecord[] {
  const rows: RowRecord[] = []
  while (rows.length < limit) {
    const row = state.due.peek()
    if (row === undefined || row.nextAt > now) break
    state.due.pop()
    rows.push(row)
  }
  return rows
}

/** A chunk has one queue, type, priority, partition, tenant and stage. */
function groupRows(rows: readonly RowRecord[]): Iterable<RowRecord[]> {
  const groups = new Map<string, RowRecord[]>()
  for (const row of rows) {
    const { queue, type, priority, partition, tenant } = row.origin
    const name = JSON.stringify([queue, type, priority, partition, tenant, row.stage])
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [row])
    else group.push(row)
  }
  return groups.values()
}

/** Payloads of the rows from `start` that fit into one chunk, at least one. */
function fill(
  rows: readonly RowRecord[],
  start: number,
  commandsMax: number,
  payloadOf: (row: RowRecord) => string,
): string[] {
  const payloads: string[] = []
  let bytes = 0
  for (let at = start; at < rows.length && payloads.length < Math.max(1, commandsMax); at += 1) {
    const payload = payloadOf(rows[at] as RowRecord)
    bytes += Buffer.byteLength(payload) + 1
    if (payloads.length > 0 && bytes >= CHUNK_BYTES_MAX) break
    payloads.push(payload)
  }
  return payloads
}

function load(
  state: MemoryState,
  rows: readonly RowRecord[],
  payloads: readonly string[],
  id: string,
  now: number,
): ChunkRecord {
  const { origin, stage } = rows[0] as RowRecord
  const { queue, type, priority, partition, tenant, codec } = origin
  state.lastSeq += 1
  const body = encodeBody(payloads)
  const chunk = newChunk(
    { id, queue, type, priority, partition, tenant, codec, body, size: rows.length },
    { seq: state.lastSeq, createdAt: now, stage, cargo: rows.map(cargoOf) },
  )
  for (const [index, row] of rows.entries()) carryRow(state, row, chunk, index)
  state.chunks.set(id, chunk)
  enqueue(queueOf(state, queue), chunk)
  return chunk
}

function cargoOf(row: RowRecord): Cargo {
  const member: ChunkMember = Object.freeze({
    id: commandId(row.origin.id, row.index),
    attempts: row.attempts,
    acceptedAt: row.origin.createdAt,
    memo: row.memo,
    place: row.origin.partition === null ? null : placeOf(row),
    orderingKey: row.orderingKey,
  })
  return { row, member }
}
