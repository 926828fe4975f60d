// Storing chunks. Keys come first, because they say which commands are repeats; a chunk of nothing but repeats is not stored.

import type { AppendVerdict, ChunkDraft, KeyDraft } from '../../domain/index.js'
import type { AppendResult } from '../../ports/index.js'
import { type Chunks, type LoneKey, prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'
import { formatIndexes } from './index-list.js'
import { keyText } from './key-text.js'
import { ACCEPTED, type Keys, loneKeyOf, prepareKeys } from './keys.js'
import { type Parked, prepareParked } from './parked.js'
import { parkedRow } from './parked-draft.js'
import { prepareQueueNames, type QueueNames } from './queues.js'

/** Thrown to roll back an atomic call that met a conflict; carries what the call answers all the same. */
export class AtomicConflict extends Error {
  readonly results: readonly AppendResult[]

  constructor(results: readonly AppendResult[]) {
    super('atomic append met a conflict')
    this.results = results
  }
}

export interface Appender {
  /** Inside a write transaction. */
  append(drafts: readonly ChunkDraft[], atomic: boolean, now: number, hints: Hints): readonly AppendResult[]
  /** What follows from something else that is written in this transaction; keys are not looked at. */
  follow(drafts: readonly ChunkDraft[], now: number, hints: Hints): void
}

interface Parts {
  readonly keys: Keys
  readonly chunks: Chunks
  readonly parked: Parked
  readonly queueNames: QueueNames
}

/** Why a command of a stored chunk is not in the store: index, verdict, id of the command that came first. */
type Absence = readonly [index: number, status: AppendVerdict['status'], id: string | null]

interface StoredChunk {
  readonly size: number
  readonly absent: string | null
  readonly created_at: number
}

export function prepareAppender(db: SqliteTx): Appender {
  const parts: Parts = {
    keys: prepareKeys(db),
    chunks: prepareChunks(db),
    parked: prepareParked(db),
    queueNames: prepareQueueNames(db),
  }
  const stored = db.prepare('select size, absent, created_at from spillway_chunks where id = ?1')

  function appendOne(draft: ChunkDraft, now: number, hints: Hints): AppendResult {
    const before = stored.get(draft.id) as StoredChunk | undefined
    if (before !== undefined) return { createdAt: before.created_at, verdicts: verdictsOf(before) }
    const loneKey = loneKeyOf(draft)
    const verdicts =
      loneKey === null ? parts.keys.claim(draft, now) : parts.keys.claimLone(draft, loneKey, now)
    const absences = absencesOf(draft, verdicts)
    if (absences.length < draft.size) {
      parts.queueNames.store(draft.queue)
      store(parts, draft, loneKey, absences, now, hints)
    }
    return { createdAt: now, verdicts }
  }

  function followOne(draft: ChunkDraft, now: number, hints: Hints): void {
    if (stored.get(draft.id) !== undefined) return
    const absences = absencesOf(draft, null)
    if (absences.length === draft.size) return
    parts.queueNames.storeUnnoted(draft.queue)
    store(parts, draft, null, absences, now, hints)
  }

  return {
    append(drafts, atomic, now, hints) {
      parts.queueNames.begin()
      const results = drafts.map((draft) => appendOne(draft, now, hints))
      if (atomic && results.some(hasConflict)) throw new AtomicConflict(results)
      return results
    },
    follow(drafts, now, hints) {
      for (const draft of drafts) followOne(draft, now, hints)
    },
  }
}

function store(
  parts: Parts,
  draft: ChunkDraft,
  loneKey: KeyDraft | null,
  absences: readonly Absence[],
  now: number,
  hints: Hints,
): void {
  const { id, queue, type, priority, partition, tenant, codec, body, size, parked } = draft
  const indexes = absences.map(([index]) => index)
  const accepted = size - absences.length
  const seq = parts.chunks.insert(
    {
      ...{ id, queue, type, priority, partition, codec, body, size, accepted },
      tenant: tenant || null,
      stage: 'execute',
      state: parked === null ? 'ready' : 'done',
      skip: formatIndexes(indexes),
      absent: absences.length === 0 ? null : JSON.stringify(absences),
      members: null,
      loneKey: loneKey === null ? null : placed(loneKey, now),
    },
    now,
  )
  if (parked === null) hints.add(queue, accepted)
  else park(parts.parked, draft, seq, new Set(indexes), now)
}

function placed({ key, windowMs }: KeyDraft, now: number): LoneKey {
  return { key: keyText(key), expiresAt: now + Math.trunc(windowMs) }
}

function park(
  parked: Parked,
  draft: ChunkDraft,
  seq: number,
  absent: ReadonlySet<number>,
  now: number,
): void {
  const { id: chunkId, queue, type, priority, partition } = draft
  const rows = (draft.parked ?? []).flatMap((entry, index) =>
    entry === null || absent.has(index) ? [] : parkedRow({ chunkId, index, seq }, entry, now),
  )
  parked.write({ queue, type, priority, partition, carrier: null }, rows, now)
}

function absencesOf(draft: ChunkDraft, verdicts: readonly AppendVerdict[] | null): Absence[] {
  const absences: Absence[] = []
  if (verdicts === null && draft.parked === null) return absences
  for (let index = 0; index < draft.size; index += 1) {
    const verdict = verdicts?.[index] ?? ACCEPTED
    if (verdict.status !== 'accepted') absences.push([index, verdict.status, verdict.id])
    else if (draft.parked?.[index] === null) absences.push([index, 'accepted', null])
  }
  return absences
}

/** What the chunk's first append answered. */
function verdictsOf(chunk: StoredChunk): readonly AppendVerdict[] | null {
  if (chunk.absent === null) return null
  const absences = JSON.parse(chunk.absent) as Absence[]
  if (absences.every(([, status]) => status === 'accepted')) return null
  const verdicts = new Array<AppendVerdict>(chunk.size).fill(ACCEPTED)
  for (const [index, status, id] of absences) {
    if (status !== 'accepted') verdicts[index] = { status, id: id as string }
  }
  return verdicts
}

function hasConflict(result: AppendResult): boolean {
  return result.verdicts?.some((verdict) => verdict.status === 'conflict') ?? false
}
