// The keys of a chunk as one row, by which they are found when they expire. An index entry per key would cost a fifth of
// writing the key, and nearly double its size.

import type { SqliteTx } from './client.js'

/** Keys of one chunk that expire together. */
export interface KeyGroup {
  readonly chunkId: string
  readonly scope: string
  readonly expiresAt: number
}

export interface KeyGroups {
  add(group: KeyGroup, keys: readonly string[]): void
  anyExpired(now: number): boolean
  /** Removes at most `limit` expired keys; returns how many. */
  prune(now: number, limit: number): number
}

interface GroupRow {
  readonly expires_at: number
  readonly chunk_id: string
  readonly scope: string
  readonly keys: string
}

export function prepareKeyGroups(db: SqliteTx): KeyGroups {
  const insert = db.prepare(
    'insert into spillway_key_groups (expires_at, chunk_id, scope, keys) values (?1, ?2, ?3, ?4)',
  )
  const firstExpired = db.prepare(`
    select expires_at, chunk_id, scope, keys from spillway_key_groups
    where expires_at <= ?1 order by expires_at, chunk_id limit 1`)
  const shorten = db.prepare(
    'update spillway_key_groups set keys = ?3 where expires_at = ?1 and chunk_id = ?2',
  )
  const remove = db.prepare('delete from spillway_key_groups where expires_at = ?1 and chunk_id = ?2')
  const removeKeys = db.prepare(`
    delete from spillway_keys
    where scope = ?1 and key in (select value from json_each(?2)) and expires_at <= ?3`)

  return {
    add({ chunkId, scope, expiresAt }, keys) {
      if (keys.length > 0) insert.run(expiresAt, chunkId, scope, JSON.stringify(keys))
    },
    anyExpired: (now) => firstExpired.get(now) !== undefined,
    prune(now, limit) {
      let removed = 0
      for (let left = limit; left > 0; ) {
        const group = firstExpired.get(now) as GroupRow | undefined
        if (group === undefined) break
        const keys = JSON.parse(group.keys) as string[]
        // A key that was taken anew since then has a later expiry, and belongs to another group.
        removed += Number(removeKeys.run(group.scope, JSON.stringify(keys.slice(0, left)), now).changes)
        const rest = keys.slice(left)
        if (rest.length > 0) shorten.run(group.expires_at, group.chunk_id, JSON.stringify(rest))
        else remove.run(group.expires_at, group.chunk_id)
        left -= keys.length
      }
      return removed
    },
  }
}
