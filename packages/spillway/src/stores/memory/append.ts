// Storing chunks. First every command gets its verdict, without a change; then what was accepted is stored: so an atomic
// call that meets a conflict has nothing to undo.

import {
  type AppendVerdict,
  type ChunkDraft,
  commandId,
  type KeyDraft,
  type Lease,
} from '../../domain/index.js'
import { type AppendResult, type AppendTerms, withLeases } from '../../ports/index.js'
import { leaseFresh } from './claim.js'
import { addKey, findKey, verdictUnder } from './keys.js'
import { enqueue } from './queue.js'
import { type ChunkRecord, type KeyRecord, liveCount, NONE, newChunk } from './records.js'
import { parkDraft } from './rows.js'
import { keepEnded, type MemoryState, queueOf } from './state.js'
import type { Notify } from './wake.js'

const ACCEPTED: AppendVerdict = Object.freeze({ status: 'accepted' })

/** A draft of this call with what will become of it. */
export interface Resolved {
  readonly draft: ChunkDraft
  readonly verdicts: readonly AppendVerdict[] | null
  readonly absent: ReadonlySet<number>
  readonly keys: readonly KeyRecord[]
}

export function append(
  state: MemoryState,
  drafts: readonly ChunkDraft[],
  terms: AppendTerms,
  now: number,
  notify: Notify,
): AppendResult[] {
  const results: AppendResult[] = []
  const fresh = new Map<string, Resolved>()
  const keysOfCall = new Map<string, KeyRecord>()
  for (const draft of drafts) {
    const known = state.chunks.get(draft.id)
    if (known !== undefined) {
      results.push({ createdAt: known.createdAt, verdicts: copyVerdicts(known.verdicts) })
      continue
    }
    const resolved = fresh.get(draft.id) ?? resolve(state, draft, keysOfCall, now)
    fresh.set(draft.id, resolved)
    results.push({ createdAt: now, verdicts: copyVerdicts(resolved.verdicts) })
  }
  if (terms.atomic && results.some(hasConflict)) return results
  const leases = new Map<string, Lease>()
  for (const resolved of fresh.values()) {
    const chunk = store(state, resolved, { ...terms, isSettled: false }, now)
    if (chunk === null || chunk.state === 'done') continue
    const lease = terms.lease === null ? null : leaseFresh(state, chunk, terms.lease, now)
    if (lease === null) notify(chunk.queue, liveCount(chunk))
    else leases.set(chunk.id, lease)
  }
  return terms.lease === null ? results : withLeases(drafts, results, leases)
}

function hasConflict(result: AppendResult): boolean {
  return result.verdicts?.some((verdict) => verdict.status === 'conflict') ?? false
}

function copyVerdicts(verdicts: readonly AppendVerdict[] | null): readonly AppendVerdict[] | null {
  return verdicts === null ? null : [...verdicts]
}

/** Changes nothing but `keysOfCall`: the keys that drafts before it take. */
export function resolve(
  state: MemoryState,
  draft: ChunkDraft,
  keysOfCall: Map<string, KeyRecord>,
  now: number,
): Resolved {
  const verdicts: AppendVerdict[] = []
  const absent = new Set<number>()
  const keys: KeyRecord[] = []
  for (let index = 0; index < draft.size; index += 1) {
    const key = draft.keys?.[index] ?? null
    const verdict = key === null ? ACCEPTED : resolveKey(state, draft, index, key, keysOfCall, keys, now)
    verdicts.push(verdict)
    if (verdict !== ACCEPTED || draft.parked?.[index] === null) absent.add(index)
  }
  const allAccepted = verdicts.every((verdict) => verdict === ACCEPTED)
  return { draft, verdicts: allAccepted ? null : verdicts, absent: absent.size === 0 ? NONE : absent, keys }
}

function resolveKey(
  state: MemoryState,
  draft: ChunkDraft,
  index: number,
  key: KeyDraft,
  keysOfCall: Map<string, KeyRecord>,
  keys: KeyRecord[],
  now: number,
): AppendVerdict {
  // A command type has no control characters in its name, so this cannot be ambiguous.
  const name = `${draft.type}\n${key.key}`
  const known = keysOfCall.get(name) ?? findKey(state, draft.type, key.key, now)
  if (known !== undefined) return verdictUnder(known, key)
  if (draft.parked?.[index] === null) return ACCEPTED
  const record: KeyRecord = {
    scope: draft.type,
    key: key.key,
    fingerprint: key.fingerprint,
    commandId: commandId(draft.id, index),
    expiresAt: now + key.windowMs,
    slot: -1,
  }
  keysOfCall.set(name, record)
  keys.push(record)
  return ACCEPTED
}

interface StoreTerms extends Pick<AppendTerms, 'remember'> {
  /** Every command of it has succeeded. */
  readonly isSettled: boolean
}

/** Null when nothing of it is kept. */
export function store(
  state: MemoryState,
  resolved: Resolved,
  { remember, isSettled }: StoreTerms,
  now: number,
): ChunkRecord | null {
  const { draft, verdicts, absent, keys } = resolved
  for (const key of keys) addKey(state, key)
  const isEmpty = absent.size === draft.size
  if (isEmpty && !remember) return null
  const isOver = isEmpty || isSettled
  const { id, queue, parked } = draft
  state.lastSeq += 1
  state.listing = null
  const chunk = newChunk(isEmpty ? { ...draft, body: '[]' } : draft, {
    seq: state.lastSeq,
    createdAt: now,
    state: parked === null && !isOver ? 'ready' : 'done',
    verdicts,
    absent,
  })
  state.chunks.set(id, chunk)
  if (chunk.state === 'ready') enqueue(queueOf(state, queue), chunk)
  else if (isOver) keepEnded(state, chunk)
  for (const [index, entry] of parked?.entries() ?? []) {
    if (entry !== null && !absent.has(index)) parkDraft(state, chunk, index, entry, now)
  }
  return chunk
}
