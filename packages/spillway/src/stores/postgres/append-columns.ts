// The drafts of an append as columns, which is how append_2 and append_3 take them. Repeats of a key within the call are found here: only the
// first command with a key, the leader, asks for it, and the others follow whatever becomes of it. Keys are given in one
// order, so that concurrent appends take them in the same one and cannot wait for each other in a circle.

import { type ChunkDraft, type KeyDraft, keyText, type ParkedDraft } from '../../domain/index.js'
import { rowNotes } from './row-notes.js'

/** One entry per draft, then per key, then per follower. Places count from 1, as PostgreSQL's do. */
export interface AppendColumns {
  readonly ids: string[]
  readonly queues: string[]
  readonly types: string[]
  readonly priorities: number[]
  /** -1 = none. */
  readonly partitions: number[]
  /** Empty where no draft has one. */
  readonly tenants: string[]
  readonly codecs: string[]
  readonly bodies: string[]
  readonly sizes: number[]
  /** Places of the drafts whose commands are parked. */
  readonly parkedDrafts: number[]
  /** JSON of their rows. */
  readonly parked: string | null
  readonly keys: KeyColumns
  readonly followers: FollowerColumns
}

interface KeyColumns {
  readonly drafts: number[]
  readonly indexes: number[]
  readonly texts: string[]
  readonly fingerprints: string[]
  /** How long the key is kept, in ms; -1 = it is only looked up. */
  readonly windows: number[]
}

interface FollowerColumns {
  readonly drafts: number[]
  readonly indexes: number[]
  /** Places among the keys. */
  readonly leaders: number[]
  readonly fingerprints: string[]
}

/** A command that asks for a key. */
interface Asking {
  readonly draft: number
  readonly index: number
  readonly text: string
  readonly fingerprint: string
  readonly windowMs: number
}

/** The window of a key that is not taken. */
export const LOOKUP_ONLY = -1

/** Drafts have different ids. */
export function appendColumns(drafts: readonly ChunkDraft[]): AppendColumns {
  const { leaders, followers } = sortKeys(drafts)
  return {
    ids: drafts.map(({ id }) => id),
    queues: drafts.map(({ queue }) => queue),
    types: drafts.map(({ type }) => type),
    priorities: drafts.map(({ priority }) => priority),
    partitions: drafts.map(({ partition }) => partition ?? -1),
    tenants: drafts.some(({ tenant }) => tenant) ? drafts.map(({ tenant }) => tenant ?? '') : [],
    codecs: drafts.map(({ codec }) => codec),
    bodies: drafts.map(({ body }) => body),
    sizes: drafts.map(({ size }) => size),
    parkedDrafts: drafts.flatMap(({ parked }, at) => (parked === null ? [] : [at + 1])),
    parked: parkedRows(drafts),
    keys: {
      drafts: leaders.map(({ draft }) => draft),
      indexes: leaders.map(({ index }) => index),
      texts: leaders.map(({ text }) => text),
      fingerprints: leaders.map(({ fingerprint }) => fingerprint),
      windows: leaders.map(({ windowMs }) => windowMs),
    },
    followers: followerColumns(leaders, followers),
  }
}

function sortKeys(drafts: readonly ChunkDraft[]): { leaders: Asking[]; followers: [Asking, Asking][] } {
  const leaderOf = new Map<string, Asking>()
  const leaders: Asking[] = []
  const followers: [follower: Asking, leader: Asking][] = []
  for (const [at, { type, keys, parked }] of drafts.entries()) {
    for (const [index, key] of (keys ?? []).entries()) {
      if (key === null) continue
      const asking = askingFor(key, type, at + 1, index, parked?.[index] !== null)
      const leader = leaderOf.get(asking.text)
      if (leader !== undefined) followers.push([asking, leader])
      else {
        leaders.push(asking)
        if (asking.windowMs !== LOOKUP_ONLY) leaderOf.set(asking.text, asking)
      }
    }
  }
  leaders.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
  return { leaders, followers }
}

/** A gap of a parked draft is not stored: it only looks its key up, and leads nobody. */
function askingFor(key: KeyDraft, type: string, draft: number, index: number, isStored: boolean): Asking {
  return {
    draft,
    index,
    // A command type has no line feed in its name.
    text: `${type}\n${keyText(key.key)}`,
    fingerprint: key.fingerprint,
    windowMs: isStored ? Math.trunc(key.windowMs) : LOOKUP_ONLY,
  }
}

function followerColumns(
  leaders: readonly Asking[],
  followers: readonly [Asking, Asking][],
): FollowerColumns {
  const places = new Map<Asking, number>()
  if (followers.length > 0) for (const [at, leader] of leaders.entries()) places.set(leader, at + 1)
  return {
    drafts: followers.map(([{ draft }]) => draft),
    indexes: followers.map(([{ index }]) => index),
    leaders: followers.map(([, leader]) => places.get(leader) as number),
    fingerprints: followers.map(([{ fingerprint }]) => fingerprint),
  }
}

function parkedRows(drafts: readonly ChunkDraft[]): string | null {
  if (drafts.every(({ parked }) => parked === null)) return null
  const rows = drafts.flatMap(({ parked }, at) =>
    (parked ?? []).flatMap((entry, idx) => (entry === null ? [] : [parkedRow(entry, at + 1, idx)])),
  )
  return JSON.stringify(rows)
}

function parkedRow(entry: ParkedDraft, draft: number, idx: number): object {
  const { state, attempts, nextAt, error, result } = entry
  return {
    ...{ draft, idx, state, attempts },
    due_at: nextAt === null ? null : Math.trunc(nextAt),
    error: error === null ? null : JSON.stringify(error),
    result: result ?? null,
    ...rowNotes(entry),
  }
}
