// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else.

import {
  CHUNK_BYTES_MAX,
  type ChunkMember,
  type Codec,
  commandId,
  decodeBody,
  encodeBody,
} from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { type Chunks, prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'

export interface Promoter {
  /** Outside a transaction. */
  hasWork(now: number): boolean
  /** Inside a write transaction. */
  promote(request: PromoteRequest, now: number, hints: Hints): number
}

/** Bytes of payloads that one call may hold. What is over stays due. */
const PAYLOAD_BYTES_MAX = 4 * CHUNK_BYTES_MAX

interface DueRow {
  readonly chunk_id: string
  readonly idx: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly attempts: number
  readonly accepted_at: number
}

interface Origin {
  readonly size: number
  readonly codec: Codec
  readonly body: string
}

/** A due command with its payload. */
interface Passenger {
  readonly row: DueRow
  readonly codec: Codec
  readonly payload: string
  readonly bytes: number
}

export function preparePromoter(db: SqliteTx): Promoter {
  const chunks: Chunks = prepareChunks(db)
  const anyDue = db.prepare(
    'select 1 from spillway_parked where next_at <= ?1 and next_at is not null limit 1',
  )
  const due = db.prepare(`
    select chunk_id, idx, queue, type, priority, partition, attempts, accepted_at
    from spillway_parked where next_at <= ?1 and next_at is not null order by next_at, chunk_id, idx limit ?2`)
  const originOf = db.prepare(`
    select size, codec, body from spillway_chunks join spillway_bodies using (seq) where id = ?1`)
  const board = db.prepare(`
    update spillway_parked set state = 'promoted', next_at = null, carrier = ?3 where chunk_id = ?1 and idx = ?2`)

  /** Each body is decoded once, and only one at a time is kept. */
  function passengersOf(rows: readonly DueRow[]): Passenger[] {
    const found = new Map<DueRow, Passenger>()
    let bytes = 0
    for (const [chunkId, family] of groupBy(rows, (row) => row.chunk_id)) {
      const { size, codec, body } = originOf.get(chunkId) as Origin
      const payloads = decodeBody(body, size)
      for (const row of family) {
        const payload = JSON.stringify(payloads[row.idx])
        const passenger = { row, codec, payload, bytes: Buffer.byteLength(payload) + 1 }
        bytes += passenger.bytes
        if (found.size > 0 && bytes > PAYLOAD_BYTES_MAX) return inOrder(rows, found)
        found.set(row, passenger)
      }
    }
    return inOrder(rows, found)
  }

  function load(passengers: readonly Passenger[], id: string, now: number, hints: Hints): void {
    const { row, codec } = passengers[0] as Passenger
    const { queue, type, priority, partition } = row
    const size = passengers.length
    const seq = chunks.insert(
      {
        ...{ id, queue, type, priority, partition, codec, size },
        body: encodeBody(passengers.map(({ payload }) => payload)),
        state: 'ready',
        accepted: 0,
        skip: null,
        absent: null,
        members: JSON.stringify(passengers.map(memberOf)),
      },
      now,
    )
    for (const passenger of passengers) board.run(passenger.row.chunk_id, passenger.row.idx, seq)
    hints.add(queue, size)
  }

  function promote(request: PromoteRequest, now: number, hints: Hints): number {
    const passengers = passengersOf(due.all(now, request.limit) as DueRow[])
    for (const [, group] of groupBy(passengers, destination)) {
      for (const chunk of splitByBounds(group, request.chunkCommandsMax)) {
        load(chunk, request.newChunkId(), now, hints)
      }
    }
    return passengers.length
  }

  return { hasWork: (now) => anyDue.get(now) !== undefined, promote }
}

function inOrder(rows: readonly DueRow[], found: ReadonlyMap<DueRow, Passenger>): Passenger[] {
  return rows.flatMap((row) => found.get(row) ?? [])
}

function memberOf({ row }: Passenger): ChunkMember {
  return { id: commandId(row.chunk_id, row.idx), attempts: row.attempts, acceptedAt: row.accepted_at }
}

/** A chunk has one of each. */
function destination({ row, codec }: Passenger): string {
  return JSON.stringify([row.queue, row.type, row.priority, row.partition, codec])
}

function groupBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const name = nameOf(item)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [item])
    else group.push(item)
  }
  return groups
}

function* splitByBounds(group: readonly Passenger[], commandsMax: number): Generator<Passenger[]> {
  let chunk: Passenger[] = []
  let bytes = 1
  for (const passenger of group) {
    const full = chunk.length >= commandsMax || bytes + passenger.bytes > CHUNK_BYTES_MAX
    if (full && chunk.length > 0) {
      yield chunk
      chunk = []
      bytes = 1
    }
    chunk.push(passenger)
    bytes += passenger.bytes
  }
  if (chunk.length > 0) yield chunk
}
