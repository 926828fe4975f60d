// Storing chunks, and leasing them at once for whoever asks. Keys come first, because they say which commands are repeats; a chunk of
// nothing but repeats is stored without a command, or not at all.

import {
  type AppendVerdict,
  type ChunkDraft,
  freshLease,
  type KeyDraft,
  type Lease,
} from '../../domain/index.js'
import type { AppendLease, AppendResult, AppendTerms } from '../../ports/index.js'
import { type Absence, absencesOf, type StoredChunk, verdictsOf } from './absences.js'
import { type Chunks, FIRST_TOKEN, type LoneKey, type NewChunk, prepareChunks } from './chunks.js'
import type { SqliteTx } from './client.js'
import type { Hints } from './hints.js'
import { formatIndexes } from './index-list.js'
import { keyText } from './key-text.js'
import { type Keys, loneKeyOf, prepareKeys } from './keys.js'
import { type Parked, prepareParked } from './parked.js'
import { parkedRow } from './parked-draft.js'
import { prepareQueueNames, type QueueNames } from './queues.js'
import { prepareRoom, type Room } from './room.js'

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
  append(
    drafts: readonly ChunkDraft[],
    terms: AppendTerms,
    now: number,
    hints: Hints,
  ): readonly AppendResult[]
  /** What follows from something else that is written in this transaction; keys are not looked at. */
  follow(drafts: readonly ChunkDraft[], now: number, hints: Hints): void
  /**
   * Stores chunks, none of them parked, of which every command has succeeded. False when one of them or a key of theirs is known: the
   * transaction has to be undone then.
   */
  appendSettled(drafts: readonly ChunkDraft[], now: number): boolean
}

interface Parts {
  readonly keys: Keys
  readonly chunks: Chunks
  readonly parked: Parked
  readonly queueNames: QueueNames
  readonly room: Room
}

export function prepareAppender(db: SqliteTx): Appender {
  const parts: Parts = {
    keys: prepareKeys(db),
    chunks: prepareChunks(db),
    parked: prepareParked(db),
    queueNames: prepareQueueNames(db),
    room: prepareRoom(db),
  }
  const stored = db.prepare('select size, absent, created_at from spillway_chunks where id = ?1')

  function appendOne(draft: ChunkDraft, terms: AppendTerms, now: number, hints: Hints): AppendResult {
    const before = stored.get(draft.id) as StoredChunk | undefined
    if (before !== undefined) return answer(terms, before.created_at, verdictsOf(before), null)
    const { loneKey, verdicts } = claimKeys(parts, draft, now)
    const absences = absencesOf(draft, verdicts)
    const isEmpty = absences.length === draft.size
    if (isEmpty && terms.remember) insert(parts, draft, EMPTY, absences, now)
    if (isEmpty) return answer(terms, now, verdicts, null)
    parts.queueNames.store(draft.queue)
    const lease = mayBeLeased(parts, draft, terms, now) ? terms.lease : null
    store(parts, draft, { loneKey, lease }, absences, now, hints)
    return answer(terms, now, verdicts, lease === null ? null : leaseOf(draft, absences, now))
  }

  function followOne(draft: ChunkDraft, now: number, hints: Hints): void {
    if (stored.get(draft.id) !== undefined) return
    const absences = absencesOf(draft, null)
    if (absences.length === draft.size) return
    parts.queueNames.storeUnnoted(draft.queue)
    store(parts, draft, NOTHING_ELSE, absences, now, hints)
  }

  function settledOne(draft: ChunkDraft, now: number): boolean {
    if (stored.get(draft.id) !== undefined) return false
    const { loneKey, verdicts } = claimKeys(parts, draft, now)
    if (verdicts !== null) return false
    parts.queueNames.store(draft.queue)
    const { body, size } = draft
    insert(parts, draft, { loneKey, lease: null, state: 'done', body, succeeded: size }, ALL_STORED, now)
    return true
  }

  return {
    append(drafts, terms, now, hints) {
      parts.queueNames.begin()
      const results = drafts.map((draft) => appendOne(draft, terms, now, hints))
      if (terms.atomic && results.some(hasConflict)) throw new AtomicConflict(results)
      return results
    },
    follow(drafts, now, hints) {
      for (const draft of drafts) followOne(draft, now, hints)
    },
    appendSettled(drafts, now) {
      parts.queueNames.begin()
      return drafts.every((draft) => settledOne(draft, now))
    },
  }
}

interface Claimed {
  /** To be stored with the chunk. */
  readonly loneKey: KeyDraft | null
  /** Null when all are accepted. */
  readonly verdicts: readonly AppendVerdict[] | null
}

function claimKeys({ keys }: Parts, draft: ChunkDraft, now: number): Claimed {
  const loneKey = loneKeyOf(draft)
  const verdicts = loneKey === null ? keys.claim(draft, now) : keys.claimLone(draft, loneKey, now)
  return { loneKey, verdicts }
}

/** With a lease only where one was asked for. */
function answer(
  terms: AppendTerms,
  createdAt: number,
  verdicts: readonly AppendVerdict[] | null,
  lease: Lease | null,
): AppendResult {
  return terms.lease === null ? { createdAt, verdicts } : { createdAt, verdicts, lease }
}

function mayBeLeased(
  { room }: Parts,
  { queue, partition, parked }: ChunkDraft,
  { lease }: AppendTerms,
  now: number,
): boolean {
  return lease !== null && partition === null && parked === null && room(queue, 1, now) > 0
}

function leaseOf(draft: ChunkDraft, absences: readonly Absence[], createdAt: number): Lease {
  return freshLease(draft, { token: FIRST_TOKEN, skip: absences.map(([index]) => index), createdAt })
}

/** What else is stored with a chunk. */
interface Besides {
  readonly loneKey: KeyDraft | null
  readonly lease: AppendLease | null
}

const NOTHING_ELSE: Besides = { loneKey: null, lease: null }

function store(
  parts: Parts,
  draft: ChunkDraft,
  besides: Besides,
  absences: readonly Absence[],
  now: number,
  hints: Hints,
): void {
  const { queue, size, parked } = draft
  const state = parked !== null ? 'done' : besides.lease !== null ? 'leased' : 'ready'
  const seq = insert(parts, draft, { ...besides, state, body: draft.body }, absences, now)
  if (state === 'ready') hints.add(queue, size - absences.length)
  else if (state === 'done') park(parts.parked, draft, seq, new Set(absences.map(([index]) => index)), now)
}

interface Insertion extends Besides, Pick<NewChunk, 'state' | 'body' | 'succeeded'> {}

const ALL_STORED: readonly Absence[] = Object.freeze([])

/** A chunk of which no command is stored. */
const EMPTY: Insertion = { ...NOTHING_ELSE, state: 'done', body: '[]' }

function insert(
  { chunks }: Parts,
  draft: ChunkDraft,
  { loneKey, lease, state, body, succeeded = 0 }: Insertion,
  absences: readonly Absence[],
  now: number,
): number {
  // Without a spread: the runtime is slow with those, and a lone command pays for it alone.
  return chunks.insert(
    {
      id: draft.id,
      queue: draft.queue,
      type: draft.type,
      priority: draft.priority,
      partition: draft.partition,
      tenant: draft.tenant || null,
      stage: 'execute',
      codec: draft.codec,
      body,
      size: draft.size,
      state,
      accepted: draft.size - absences.length,
      skip: formatIndexes(absences.map(([index]) => index)),
      absent: absences.length === 0 ? null : JSON.stringify(absences),
      members: null,
      loneKey: loneKey === null ? null : placed(loneKey, now),
      lease,
      succeeded,
    },
    now,
  )
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

function hasConflict(result: AppendResult): boolean {
  return result.verdicts?.some((verdict) => verdict.status === 'conflict') ?? false
}
