// Values that all processes on the store share: compared and set by version, forgotten after a while.

import { PAGE_ROWS_MAX, SHARED_BYTES_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SharedValue, SharedWrite, StoreShared } from '../../ports/index.js'
import { int8s, texts } from './columns.js'
import { type Database, nowSql } from './database.js'

const NOW = `(select ${nowSql(1)})`

const READ = `
select clock.now::float8 as now, held.value, held.version::float8 as version
from (select ${NOW} as now) clock
left join unnest($2::text[]) with ordinality as asked (key, place) on true
left join @.shared held on held.key = asked.key and held.expires_at > clock.now
order by asked.place`

const WRITE = `
select place from @.write_shared_1($1::bigint, $2::text[], $3::text[], $4::bigint[], $5::bigint[])`

// What follows the prefix is bounded by the largest character there is, or a page would look through everything behind it.
const KEYS = `
select key from @.shared
where key >= $2 and key < $2 || chr(1114111) and key > $3 and value is not null and expires_at > ${NOW}
order by key limit $4`

export const FORGET_SHARED = `
delete from @.shared where key in (
  select key from @.shared where forget_at <= ${NOW} order by forget_at limit $2 for update skip locked)`

interface ReadRow {
  readonly now: number
  readonly value: string | null
  readonly version: number | null
}

export function newShared(db: Database): StoreShared {
  return {
    async read(keys) {
      const rows = await db.queryAnew<ReadRow>(READ, [db.now(), keys])
      const values = rows.slice(0, keys.length).map(sharedValue)
      return { values, now: (rows[0] as ReadRow).now }
    },

    async write(writes) {
      if (writes.length === 0) return []
      for (const write of writes) assertFits(write)
      // In one order, so that two writers of the same keys cannot wait for each other.
      const sorted = [...writes.entries()].sort(([, a], [, b]) =>
        a.key < b.key ? -1 : a.key > b.key ? 1 : 0,
      )
      const rows = await db.query<{ readonly place: number }>(WRITE, [
        db.now(),
        texts(sorted.map(([, { key }]) => key)),
        texts(sorted.map(([, { value }]) => value)),
        int8s(sorted.map(([, { version }]) => version)),
        int8s(sorted.map(([, { ttlMs }]) => Math.trunc(ttlMs))),
      ])
      const done = new Set(rows.map(({ place }) => sorted[place - 1]?.[0]))
      return writes.map((_, at) => (done.has(at) ? 'ok' : 'stale'))
    },

    async keys(prefix, limit, after = '') {
      const wanted = Math.min(Math.max(1, Math.trunc(limit)), PAGE_ROWS_MAX)
      const rows = await db.queryAnew<{ readonly key: string }>(KEYS, [db.now(), prefix, after, wanted])
      return rows.map(({ key }) => key)
    },
  }
}

function sharedValue({ value, version }: ReadRow): SharedValue | null {
  return value === null || version === null ? null : { value, version }
}

function assertFits({ key, value }: SharedWrite): void {
  const bytes = value === null ? 0 : Buffer.byteLength(value)
  if (bytes <= SHARED_BYTES_MAX) return
  throw new SpillwayError(
    'invalid_argument',
    `A shared value may have ${SHARED_BYTES_MAX} bytes; the one of ${key} has ${bytes}. Keep less in it.`,
    { details: { key, bytes } },
  )
}
