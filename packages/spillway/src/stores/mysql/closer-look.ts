// Storing chunks of which something may be known already: keys come first, because they say which commands are repeats. A chunk of
// nothing but repeats is stored without a command, or not at all, and one that was stored before is answered as then.

import type { AppendVerdict, ChunkDraft } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import { type AppendResult, type AppendTerms, withLeases } from '../../ports/index.js'
import { insertChunks, type NewChunk } from './chunks.js'
import type { Connection } from './connection.js'
import { chunkOf, parkedRowsOf, resultOf, type StoredChunk } from './drafts.js'
import type { RunResult } from './enlist/index.js'
import { isDuplicateEntry } from './errors.js'
import { leasedChunks, leasesOf } from './fresh-leases.js'
import { CHUNKS_BY_ID } from './indexes.js'
import { type KeyTables, LOCK_RING, type RingState, ringStateOf, widenRing } from './key-tables.js'
import { claimKeys, keyRowsOf, verdictsOf } from './keys.js'
import { rowsOf } from './select.js'
import { integer, textList } from './sql-text.js'
import { Stopped } from './stops.js'

/** Thrown to undo an atomic call that met a conflict; carries what the call answers all the same. */
export class AtomicConflict extends Error {
  readonly results: readonly AppendResult[]

  constructor(results: readonly AppendResult[]) {
    super('atomic append met a conflict')
    this.results = results
  }
}

export interface LookRequest {
  readonly drafts: readonly ChunkDraft[]
  readonly terms: Pick<AppendTerms, 'remember' | 'lease'>
  /** The longest window of their keys. */
  readonly windowMs: number
  /** SQL of the store's time. */
  readonly now: string
  /** Whether the transaction shares the ring's row already, so that nobody but itself can widen the ring. */
  readonly widens: boolean
}

export interface Findings {
  readonly results: readonly AppendResult[]
  /** What is left to be written. */
  readonly statements: readonly string[]
}

/** Finds out what is known and takes the keys. Throws `Stopped` when the ring was turned since it was read. */
export async function lookCloser(
  connection: Connection,
  tables: KeyTables,
  request: LookRequest,
): Promise<Findings> {
  const { drafts, terms, windowMs, now: nowSql, widens } = request
  const [time, ringRow, stored] = (await connection.send([
    `select ${nowSql} as now`,
    LOCK_RING,
    storedSql(drafts),
  ])) as [RunResult, RunResult, RunResult]
  const state = ringStateOf(ringRow.rows[0])
  tables.learn(state)
  if (state.windowMs < windowMs) {
    if (!widens) throw new Stopped()
    await connection.send([widenRing(windowMs)])
  }
  const answers = new Map(rowsOf<StoredChunk>(stored).map((chunk) => [chunk.id, resultOf(chunk)]))
  const fresh = firstOfEach(drafts).filter(({ id }) => !answers.has(id))
  const now = Number(time.rows[0]?.now)
  const chunks: NewChunk[] = []
  for (const [draft, verdicts] of await takeKeys(connection, fresh, state, now)) {
    answers.set(draft.id, { createdAt: now, verdicts })
    const chunk = chunkOf(draft, verdicts, terms.remember)
    if (chunk !== null) chunks.push(chunk)
  }
  const results = drafts.map(({ id }) => answers.get(id) as AppendResult)
  if (terms.lease === null) return { results, statements: writing(fresh, chunks, now) }
  const leased = await leasedChunks(connection, chunks, terms.lease, nowSql)
  return {
    results: withLeases(drafts, results, leasesOf(fresh, leased, now)),
    statements: writing(fresh, leased, now),
  }
}

type Decided = readonly [draft: ChunkDraft, verdicts: readonly AppendVerdict[] | null]

async function takeKeys(
  connection: Connection,
  drafts: readonly ChunkDraft[],
  state: RingState,
  now: number,
): Promise<Decided[]> {
  const decided: Decided[] = []
  for (const together of groupsOf(drafts)) {
    const owners = await claimKeys(connection, keyRowsOf(together), state, now)
    for (const draft of together) decided.push([draft, verdictsOf(draft, owners)])
  }
  return decided
}

/** Of some of the drafts their chunks, and then the rows of what is parked. */
function writing(drafts: readonly ChunkDraft[], chunks: readonly NewChunk[], now: number): string[] {
  const chunkById = new Map(chunks.map((chunk) => [chunk.id, chunk]))
  const rows = drafts.flatMap((draft) => {
    const chunk = chunkById.get(draft.id)
    return chunk === undefined ? [] : parkedRowsOf(draft, chunk, now)
  })
  return [...insertChunks(chunks, integer(now)), ...rows]
}

export function storedSql(drafts: readonly Pick<ChunkDraft, 'id'>[]): string {
  return `select id, size, absent, created_at from ${CHUNKS_BY_ID} where id in ${textList(drafts.map(({ id }) => id))}`
}

export function firstOfEach(drafts: readonly ChunkDraft[]): ChunkDraft[] {
  return [...new Map(drafts.map((draft) => [draft.id, draft])).values()]
}

/** Drafts whose keys may be taken by one statement. A gap must not see keys of drafts behind it. */
function groupsOf(drafts: readonly ChunkDraft[]): ChunkDraft[][] {
  if (drafts.every(({ parked }) => parked === null)) return [[...drafts]]
  return drafts.map((draft) => [draft])
}

/** The same chunk was stored by another call in between. */
export async function stoppedByDuplicate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw isDuplicateEntry(error) ? new Stopped() : error
  }
}

export function overtaken(place: string): SpillwayError {
  return new SpillwayError(
    'store_unavailable',
    `Other calls on the database ${place} stored the same chunk, or turned the key tables, at the same time. The call may be repeated.`,
    { details: { reason: 'overtaken', place } },
  )
}
