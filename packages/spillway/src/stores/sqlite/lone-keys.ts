// The key of a chunk of one is written into the chunk's row, because a row of its own to expire by would cost a lone caller a
// page of log. From there it is collected into a key group, once, by whoever prunes.

import type { SqliteTx } from './client.js'
import { prepareKeyGroups } from './key-groups.js'

export interface LoneKeys {
  any(): boolean
  /** Collects some; returns the seq up to which all are collected. Inside a write transaction, like all that follows. */
  collect(): number
  /** After chunks were removed: the highest seq may be given again, to a chunk whose key nobody collected. */
  chunksRemoved(): void
}

/** Chunks looked at by one call. */
const CHUNKS_MAX = 50_000
/** Keys that expire nearly together share a group. */
const GROUP_KEYS_MAX = 500
const GROUP_SPAN_MS = 1_000

interface LoneKey {
  readonly seq: number
  readonly id: string
  readonly scope: string
  readonly key: string
  readonly expires_at: number
}

export function prepareLoneKeys(db: SqliteTx): LoneKeys {
  const groups = prepareKeyGroups(db)
  const uncollected = db.prepare(`
    select seq, id, type as scope, lone_key as key, lone_key_expires_at as expires_at from spillway_chunks
    where seq > (select collected_seq from spillway_lone_keys where id = 1) and lone_key is not null order by seq limit ?1`)
  const mark = db.prepare('update spillway_lone_keys set collected_seq = ?1 where id = 1')
  const last = db.prepare('select coalesce(max(seq), 0) as seq from spillway_chunks')
  const lower = db.prepare(`
    update spillway_lone_keys set collected_seq = (select coalesce(max(seq), 0) from spillway_chunks)
    where id = 1 and collected_seq > (select coalesce(max(seq), 0) from spillway_chunks)`)

  function store(group: readonly LoneKey[]): void {
    const { id, scope, expires_at } = group.at(-1) as LoneKey
    groups.add(
      { chunkId: id, scope, expiresAt: expires_at },
      group.map(({ key }) => key),
    )
  }

  function collect(): number {
    const found = uncollected.all(CHUNKS_MAX) as LoneKey[]
    for (const group of groupsOf(found)) store(group)
    const { seq } = (found.length < CHUNKS_MAX ? last.get() : found.at(-1)) as { seq: number }
    mark.run(seq)
    return seq
  }

  return {
    any: () => uncollected.get(1) !== undefined,
    collect,
    chunksRemoved: () => {
      lower.run()
    },
  }
}

/** Runs of keys of one scope whose expiry rises by no more than the span, so that the last one's speaks for all. */
function groupsOf(keys: readonly LoneKey[]): LoneKey[][] {
  const groups: LoneKey[][] = []
  for (const key of keys) {
    const group = groups.at(-1)
    if (group !== undefined && fits(group, key)) group.push(key)
    else groups.push([key])
  }
  return groups
}

function fits(group: readonly LoneKey[], key: LoneKey): boolean {
  const [first] = group as [LoneKey]
  const risen = key.expires_at - (group.at(-1) as LoneKey).expires_at
  return (
    group.length < GROUP_KEYS_MAX &&
    first.scope === key.scope &&
    risen >= 0 &&
    key.expires_at - first.expires_at <= GROUP_SPAN_MS
  )
}
