// Parked commands whose time has come, with their payloads.

import { CHUNK_BYTES_MAX, type Codec, type Stage } from '../../domain/index.js'
import type { SqliteTx } from './client.js'

/** A due command with its payload. */
export interface Passenger {
  readonly row: DueRow
  readonly payload: string
  readonly bytes: number
}

export interface DueRow {
  readonly chunk_id: string
  readonly idx: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly attempts: number
  readonly accepted_at: number
  readonly stage: Stage
  readonly memo: string | null
  readonly ordering_key: string | null
  /** Of the payload that took the place of the one in the chunk; null when none did. */
  readonly payload_bytes: number | null
  /** Of the chunk it was submitted in. */
  readonly seq: number
  readonly tenant: string | null
  readonly codec: Codec
  readonly body_bytes: number
}

/** Bytes that one call takes payloads from, beyond the first chunk's: some 30 ms. Commands of the others stay due. */
const SOURCE_BYTES_MAX = 2 * CHUNK_BYTES_MAX

const DUE = `
select parked.chunk_id, parked.idx, parked.queue, parked.type, parked.priority, parked.partition, parked.attempts,
  parked.accepted_at, parked.stage, parked.memo, parked.ordering_key, octet_length(parked.payload) as payload_bytes,
  origins.seq, origins.tenant, origins.codec, octet_length(coalesce(origins.body, bodies.body)) as body_bytes
from spillway_parked parked
join spillway_chunks origins on origins.id = parked.chunk_id
left join spillway_bodies bodies on bodies.seq = origins.seq
where parked.next_at <= ?1 and parked.next_at is not null
order by parked.next_at, parked.seq, parked.idx limit ?2`

/** SQLite cuts single payloads out of a body in a quarter of the time that decoding it here would take. */
const PAYLOADS = `
select places.value as idx, coalesce(chunks.body, bodies.body) -> ('$[' || places.value || ']') as payload
from json_each(?2) places
cross join spillway_chunks chunks on chunks.seq = ?1
left join spillway_bodies bodies on bodies.seq = chunks.seq`

export interface Passengers {
  /** At most `limit`, by due time and place. */
  due(limit: number, now: number): Passenger[]
}

export function preparePassengers(db: SqliteTx): Passengers {
  const due = db.prepare(DUE)
  const payloadsAt = db.prepare(PAYLOADS)
  const ownPayload = db.prepare('select payload from spillway_parked where chunk_id = ?1 and idx = ?2')

  function payloadsOf(family: readonly DueRow[]): Map<number, string> {
    const places = JSON.stringify(family.map(({ idx }) => idx))
    const found = payloadsAt.all((family[0] as DueRow).seq, places) as { idx: number; payload: string }[]
    return new Map(found.map(({ idx, payload }) => [idx, payload]))
  }

  function payloadOf(row: DueRow, payloads: ReadonlyMap<number, string>): string {
    if (row.payload_bytes === null) return payloads.get(row.idx) as string
    return (ownPayload.get(row.chunk_id, row.idx) as { payload: string }).payload
  }

  return {
    due(limit, now) {
      const rows = due.all(now, limit) as DueRow[]
      const found = new Map<DueRow, Passenger>()
      for (const family of withinBounds(rows)) {
        const payloads = payloadsOf(family)
        for (const row of family) {
          const payload = payloadOf(row, payloads)
          found.set(row, { row, payload, bytes: Buffer.byteLength(payload) + 1 })
        }
      }
      return rows.flatMap((row) => found.get(row) ?? [])
    },
  }
}

/** Rows by the chunk they were submitted in, until the sources are larger than one call reads. */
function* withinBounds(rows: readonly DueRow[]): Generator<DueRow[]> {
  let bytes = 0
  for (const [, family] of groupBy(rows, (row) => row.chunk_id)) {
    const first = bytes === 0
    bytes += (family[0] as DueRow).body_bytes
    const taken: DueRow[] = []
    for (const row of family) {
      bytes += row.payload_bytes ?? 0
      if (bytes > SOURCE_BYTES_MAX && !(first && taken.length === 0)) break
      taken.push(row)
    }
    if (taken.length > 0) yield taken
    if (bytes > SOURCE_BYTES_MAX) return
  }
}

export function groupBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const name = nameOf(item)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [item])
    else group.push(item)
  }
  return groups
}
