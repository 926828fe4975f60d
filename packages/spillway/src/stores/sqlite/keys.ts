// Idempotency keys: the first command under a (type, key) is what repeats are answered with, until the key expires.
// All keys of a chunk are written by one statement; only when it changed fewer rows is it asked which of them were known.

import { type AppendVerdict, type ChunkDraft, commandId, type KeyDraft } from '../../domain/index.js'
import type { SqliteTx } from './client.js'
import { prepareKeyGroups } from './key-groups.js'
import { keyText } from './key-text.js'

export interface Keys {
  /** Stores the keys of the draft's commands and says which of the commands are repeats; null = none is. */
  claim(draft: ChunkDraft, now: number): readonly AppendVerdict[] | null
  /** The same for a chunk of one, whose key expires through the chunk's own row. */
  claimLone(draft: ChunkDraft, key: KeyDraft, now: number): readonly AppendVerdict[] | null
}

/** The key of a chunk of one that is to run; null for any other chunk. */
export function loneKeyOf({ size, keys, parked }: ChunkDraft): KeyDraft | null {
  return size === 1 && parked === null ? (keys?.[0] ?? null) : null
}

export const ACCEPTED: AppendVerdict = Object.freeze({ status: 'accepted' })

/** `[key, fingerprint]` per command; null where there is nothing to ask for. */
type KeyRows = readonly (readonly [key: string, fingerprint: string] | null)[]

interface Owner {
  readonly place: number
  readonly chunk_id: string
  readonly idx: number
  readonly fingerprint: string
}

const STORE = `
insert into spillway_keys (scope, key, chunk_id, idx, fingerprint, expires_at)
select ?1, value ->> 0, ?2, key, value ->> 1, ?3 from json_each(?4) where type = 'array'
on conflict (scope, key) do update
set chunk_id = excluded.chunk_id, idx = excluded.idx, fingerprint = excluded.fingerprint, expires_at = excluded.expires_at
where expires_at <= ?5`

const STORE_LONE = `
insert into spillway_keys (scope, key, chunk_id, idx, fingerprint, expires_at) values (?1, ?2, ?3, 0, ?4, ?5)
on conflict (scope, key) do update
set chunk_id = excluded.chunk_id, idx = excluded.idx, fingerprint = excluded.fingerprint, expires_at = excluded.expires_at
where expires_at <= ?6`

/** Which of the keys belong to a command that came before. `cross join`: without statistics SQLite would scan all keys per row. */
const OWNERS = `
select rows.key as place, keys.chunk_id, keys.idx, keys.fingerprint
from json_each(?4) rows cross join spillway_keys keys on keys.scope = ?1 and keys.key = rows.value ->> 0
where rows.type = 'array' and keys.expires_at > ?3 and not (keys.chunk_id = ?2 and keys.idx >= rows.key)`

export function prepareKeys(db: SqliteTx): Keys {
  const groups = prepareKeyGroups(db)
  const store = db.prepare(STORE)
  const storeLone = db.prepare(STORE_LONE)
  const findOwners = db.prepare(OWNERS)

  function ownersOf({ type, id }: ChunkDraft, text: string, now: number): Owner[] {
    return findOwners.all(type, id, now, text) as Owner[]
  }

  /** Returns the owners of the keys that were not free. */
  function storeRows(draft: ChunkDraft, rows: KeyRows, expiresAt: number, now: number): Owner[] {
    const text = JSON.stringify(rows)
    const stored = Number(store.run(draft.type, draft.id, expiresAt, text, now).changes)
    const owners = stored === countRows(rows) ? [] : ownersOf(draft, text, now)
    groups.add({ chunkId: draft.id, scope: draft.type, expiresAt }, newKeys(rows, owners))
    return owners
  }

  return {
    claim(draft, now) {
      const { keys } = draft
      if (keys === null) return null
      const owners: Owner[] = []
      for (const windowMs of windowsOf(draft)) {
        const rows = rowsWhere(draft, (place) => !isGap(draft, place) && windowOf(keys[place]) === windowMs)
        owners.push(...storeRows(draft, rows, now + windowMs, now))
      }
      const gaps = draft.parked === null ? [] : rowsWhere(draft, (place) => isGap(draft, place))
      if (countRows(gaps) > 0) owners.push(...ownersOf(draft, JSON.stringify(gaps), now))
      return owners.length === 0 ? null : verdictsOf(draft, owners)
    },
    claimLone(draft, { key, fingerprint, windowMs }, now) {
      const text = keyText(key)
      const expiresAt = now + Math.trunc(windowMs)
      const { changes } = storeLone.run(draft.type, text, draft.id, fingerprint, expiresAt, now)
      if (Number(changes) === 1) return null
      return verdictsOf(draft, ownersOf(draft, JSON.stringify([[text, fingerprint]]), now))
    },
  }
}

function verdictsOf({ size, keys }: ChunkDraft, owners: readonly Owner[]): AppendVerdict[] {
  const verdicts = new Array<AppendVerdict>(size).fill(ACCEPTED)
  for (const { place, chunk_id, idx, fingerprint } of owners) {
    const status = fingerprint === keys?.[place]?.fingerprint ? 'duplicate' : 'conflict'
    verdicts[place] = { status, id: commandId(chunk_id, idx) }
  }
  return verdicts
}

/** The windows of the keys that are to be stored. A command type has one, so nearly always there is one. */
function windowsOf(draft: ChunkDraft): Set<number> {
  const windows = new Set<number>()
  for (const [place, key] of (draft.keys ?? []).entries()) {
    if (key !== null && !isGap(draft, place)) windows.add(windowOf(key))
  }
  return windows
}

function windowOf(key: KeyDraft | null | undefined): number {
  return Math.trunc(key?.windowMs ?? 0)
}

function newKeys(rows: KeyRows, owners: readonly Owner[]): string[] {
  const taken = new Set(owners.map(({ place }) => place))
  const keys: string[] = []
  for (const [place, row] of rows.entries()) if (row !== null && !taken.has(place)) keys.push(row[0])
  return keys
}

/** A gap of a parked draft is not stored: it only looks its key up. */
function isGap({ parked }: ChunkDraft, place: number): boolean {
  return parked !== null && parked[place] === null
}

function rowsWhere({ keys }: ChunkDraft, wanted: (place: number) => boolean): KeyRows {
  return (keys ?? []).map((key, place) =>
    key !== null && wanted(place) ? ([keyText(key.key), key.fingerprint] as const) : null,
  )
}

function countRows(rows: KeyRows): number {
  return rows.reduce((count, row) => (row === null ? count : count + 1), 0)
}
