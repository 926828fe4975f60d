// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else.

import { CHUNK_BYTES_MAX, type ChunkMember, type Codec, commandId, encodeBody } from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { type Chunks, prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'

export interface Promoter {
  /** Inside a read transaction. */
  hasWork(now: number): boolean
  /** Inside a write transaction. */
  promote(request: PromoteRequest, now: number, hints: Hints): number
}

/** Bytes of bodies that one call takes payloads from, beyond the first: some 30 ms. Commands of the others stay due. */
const BODY_BYTES_MAX = 2 * CHUNK_BYTES_MAX

interface DueRow {
  readonly chunk_id: string
  readonly idx: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly attempts: number
  readonly accepted_at: number
  /** Of the chunk it was submitted in. */
  readonly seq: number
  readonly codec: Codec
  readonly body_bytes: number
}

/** A due command with its payload. */
interface Passenger {
  readonly row: DueRow
  readonly payload: string
  readonly bytes: number
}

const DUE = `
select parked.chunk_id, parked.idx, parked.queue, parked.type, parked.priority, parked.partition, parked.attempts,
  parked.accepted_at, origins.seq, origins.codec, octet_length(coalesce(origins.body, bodies.body)) as body_bytes
from spillway_parked parked
join spillway_chunks origins on origins.id = parked.chunk_id
left join spillway_bodies bodies on bodies.seq = origins.seq
where parked.next_at <= ?1 and parked.next_at is not null
order by parked.next_at, parked.chunk_id, parked.idx limit ?2`

/** SQLite cuts single payloads out of a body in a quarter of the time that decoding it here would take. */
const PAYLOADS = `
select places.value as idx, coalesce(chunks.body, bodies.body) -> ('$[' || places.value || ']') as payload
from json_each(?2) places
cross join spillway_chunks chunks on chunks.seq = ?1
left join spillway_bodies bodies on bodies.seq = chunks.seq`

export function preparePromoter(db: SqliteTx): Promoter {
  const chunks: Chunks = prepareChunks(db)
  const anyDue = db.prepare(
    'select 1 from spillway_parked where next_at <= ?1 and next_at is not null limit 1',
  )
  const due = db.prepare(DUE)
  const payloadsAt = db.prepare(PAYLOADS)
  const board = db.prepare(`
    update spillway_parked set state = 'promoted', next_at = null, carrier = ?3 where chunk_id = ?1 and idx = ?2`)

  function payloadsOf(family: readonly DueRow[]): Map<number, string> {
    const places = JSON.stringify(family.map(({ idx }) => idx))
    const found = payloadsAt.all((family[0] as DueRow).seq, places) as { idx: number; payload: string }[]
    return new Map(found.map(({ idx, payload }) => [idx, payload]))
  }

  function passengersOf(rows: readonly DueRow[]): Passenger[] {
    const found = new Map<DueRow, Passenger>()
    let bodyBytes = 0
    for (const [, family] of groupBy(rows, (row) => row.chunk_id)) {
      bodyBytes += (family[0] as DueRow).body_bytes
      if (found.size > 0 && bodyBytes > BODY_BYTES_MAX) break
      const payloads = payloadsOf(family)
      for (const row of family) {
        const payload = payloads.get(row.idx) as string
        found.set(row, { row, payload, bytes: Buffer.byteLength(payload) + 1 })
      }
    }
    return rows.flatMap((row) => found.get(row) ?? [])
  }

  function load(passengers: readonly Passenger[], id: string, now: number, hints: Hints): void {
    const { queue, type, priority, partition, codec } = (passengers[0] as Passenger).row
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
        loneKey: null,
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

function memberOf({ row }: Passenger): ChunkMember {
  return { id: commandId(row.chunk_id, row.idx), attempts: row.attempts, acceptedAt: row.accepted_at }
}

/** A chunk has one of each. */
function destination({ row }: Passenger): string {
  return JSON.stringify([row.queue, row.type, row.priority, row.partition, row.codec])
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
