// Small values that all processes share: compared by version and set, each for itself. Versions come from one counter, so
// that a key never has one twice; a value that expired is as good as none.

import { SHARED_BYTES_MAX } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type { SharedSnapshot, SharedValue, SharedWrite } from '../../ports/index.js'
import type { SqliteTx } from './client.js'
import { keyOf, keyText } from './key-text.js'

/** Inside a read transaction. */
export interface SharedReading {
  read(keys: readonly string[], now: number): SharedSnapshot
  keys(prefix: string, limit: number, after: string | undefined, now: number): string[]
}

/** Inside a write transaction. */
export type SharedWriter = (writes: readonly SharedWrite[], now: number) => ('ok' | 'stale')[]

export interface ExpiredShared {
  /** Inside a read transaction. */
  any(now: number): boolean
  /** Inside a write transaction. */
  remove(now: number, limit: number): void
}

/** Sorts after every text. */
const LAST_CHARACTER = '\u{10ffff}'

export function prepareSharedReading(db: SqliteTx): SharedReading {
  const find = db.prepare('select value, version from spillway_shared where key = ?1 and expires_at > ?2')
  const among = db.prepare(`
    select key from spillway_shared
    where key >= max(?1, ?3) and key <> ?3 and key < ?2 and expires_at > ?4 order by key limit ?5`)
  return {
    read: (keys, now) => ({
      values: keys.map((key) => {
        const found = find.get(keyText(key), now) as SharedValue | undefined
        return found === undefined ? null : { ...found }
      }),
      now,
    }),
    keys(prefix, limit, after = '', now) {
      const first = keyText(prefix)
      const rows = among.all(first, first + LAST_CHARACTER, keyText(after), now, Math.trunc(limit))
      return (rows as { key: string }[]).map(({ key }) => keyOf(key))
    },
  }
}

export function prepareSharedWriter(db: SqliteTx): SharedWriter {
  const versionOf = db.prepare('select version from spillway_shared where key = ?1 and expires_at > ?2')
  const count = db.prepare('update spillway_shared_version set version = version + 1 where id = 1')
  const store = db.prepare(`
    insert into spillway_shared (key, version, expires_at, value)
    select ?1, version, ?2, ?3 from spillway_shared_version where id = 1
    on conflict (key) do update set version = excluded.version, expires_at = excluded.expires_at, value = excluded.value`)
  const remove = db.prepare('delete from spillway_shared where key = ?1')

  function write({ key, value, version, ttlMs }: SharedWrite, now: number): 'ok' | 'stale' {
    const stored = keyText(key)
    const found = versionOf.get(stored, now) as { version: number } | undefined
    if ((found?.version ?? 0) !== version) return 'stale'
    if (value === null) {
      remove.run(stored)
      return 'ok'
    }
    count.run()
    store.run(stored, now + Math.trunc(ttlMs), value)
    return 'ok'
  }

  return (writes, now) => writes.map((one) => write(one, now))
}

export function prepareExpiredShared(db: SqliteTx): ExpiredShared {
  const any = db.prepare('select 1 from spillway_shared where expires_at <= ?1 limit 1')
  const remove = db.prepare(
    'delete from spillway_shared where rowid in (select rowid from spillway_shared where expires_at <= ?1 limit ?2)',
  )
  return {
    any: (now) => any.get(now) !== undefined,
    remove: (now, limit) => void remove.run(now, limit),
  }
}

/** Before anything is written: one value that is too large and none of the call is. */
export function assertSharedSizes(writes: readonly SharedWrite[]): void {
  for (const { key, value } of writes) {
    const bytes = value === null ? 0 : Buffer.byteLength(value)
    if (bytes <= SHARED_BYTES_MAX) continue
    throw new SpillwayError(
      'invalid_argument',
      `A shared value may have ${SHARED_BYTES_MAX} bytes, received ${bytes}.`,
      { details: { key, bytes } },
    )
  }
}
