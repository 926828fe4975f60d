// Due commands with their payloads, and the chunks they are promoted in.

import { CHUNK_BYTES_MAX, type Codec, decodeBody, type Stage } from '../../domain/index.js'
import { addTo } from './commands.js'
import type { Connection } from './connection.js'
import { select } from './select.js'
import { textList } from './sql-text.js'

/** Bytes of bodies that one call takes payloads from, beyond the first few: some 100 ms. Commands of the others stay due. */
const BODY_BYTES_MAX = 2 * CHUNK_BYTES_MAX
/** Bodies read before it is known how large they are, and at once at most. */
const BODIES_FIRST_READ = 2
const BODIES_PER_READ_MAX = 200

export interface DueRow {
  readonly chunk_id: string
  readonly idx: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition_no: number | null
  readonly stage: Stage
  readonly attempts: number
  readonly accepted_at: number
  readonly memo: string | null
  readonly ordering_key: string | null
  /** Edited; null = as it was submitted. */
  readonly payload: string | null
}

export interface Passenger {
  readonly row: DueRow
  /** Of the chunk it was submitted in, like the tenant. */
  readonly seq: number
  readonly tenant: string
  readonly codec: Codec
  readonly payload: string
  readonly bytes: number
}

interface Origin {
  readonly seq: number
  readonly tenant: string
  readonly id: string
  readonly codec: Codec
  readonly size: number
  readonly body: string
}

/** The rows with their payloads, in their order; fewer when the bodies they are in are large. */
export async function loadPassengers(db: Connection, rows: readonly DueRow[]): Promise<Passenger[]> {
  const families = new Map<string, DueRow[]>()
  for (const row of rows) addTo(families, row.chunk_id, row)
  const ids = [...families.keys()]
  const found = new Map<DueRow, Passenger>()
  let bytes = 0
  for (let read = 0; read < ids.length && bytes < BODY_BYTES_MAX; ) {
    const some = ids.slice(read, read + countToRead(read, bytes))
    for (const origin of await readOrigins(db, some)) {
      bytes += origin.body.length
      for (const passenger of passengersOf(origin, families.get(origin.id) ?? [])) {
        found.set(passenger.row, passenger)
      }
    }
    read += some.length
  }
  return rows.flatMap((row) => found.get(row) ?? [])
}

/** As many as should fit, going by those that were read. */
function countToRead(read: number, bytes: number): number {
  if (read === 0) return BODIES_FIRST_READ
  const fitting = Math.floor((BODY_BYTES_MAX - bytes) / (bytes / read))
  return Math.min(Math.max(1, fitting), BODIES_PER_READ_MAX)
}

function readOrigins(db: Connection, ids: readonly string[]): Promise<readonly Origin[]> {
  return select(
    db,
    `select seq, tenant, id, codec, size, body from spillway_chunks where id in ${textList(ids)}`,
  )
}

function passengersOf({ seq, tenant, codec, size, body }: Origin, rows: readonly DueRow[]): Passenger[] {
  const decoded = decodeBody(body, size)
  return rows.map((row) => {
    const payload = row.payload ?? JSON.stringify(decoded[row.idx])
    return { row, seq, tenant, codec, payload, bytes: Buffer.byteLength(payload) + 1 }
  })
}

/** Those who can share a chunk, in chunks within the bounds of one. */
export function* chunksOf(passengers: readonly Passenger[], commandsMax: number): Generator<Passenger[]> {
  const groups = new Map<string, Passenger[]>()
  for (const passenger of passengers) addTo(groups, destinationOf(passenger), passenger)
  for (const group of groups.values()) yield* splitByBounds(group, commandsMax)
}

/** A chunk has one of each. */
function destinationOf({ row, tenant, codec }: Passenger): string {
  return JSON.stringify([row.queue, row.type, row.priority, row.partition_no, tenant, row.stage, codec])
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
