// Storing chunks, and leasing them at once for whoever asks, in one statement and one round trip.

import { type AppendVerdict, type ChunkDraft, freshLease, type Lease } from '../../domain/index.js'
import { type AppendResult, type AppendTerms, withLeases } from '../../ports/index.js'
import { type AppendColumns, appendColumns, LOOKUP_ONLY } from './append-columns.js'
import { int4s, int8s, texts } from './columns.js'
import type { Database, Transaction } from './database.js'
import { Hints } from './hints.js'
import type { Absence } from './stored-commands.js'

const ACCEPTED: AppendVerdict = Object.freeze({ status: 'accepted' })

export const COLUMNS = `
  $3::text[], $4::text[], $5::text[], $6::integer[], $7::integer[], $8::text[], $9::text[], $10::text[], $11::integer[],
  $12::integer[], $13::text, $14::integer[], $15::integer[], $16::text[], $17::text[], $18::bigint[],
  $19::integer[], $20::integer[], $21::integer[], $22::text[]`

export const ANSWER = 'select created_at, absent from'
export const APPEND = `${ANSWER} @.append_2($1::bigint, $2::boolean, false, null, ${COLUMNS})`
const APPEND_ATOMIC = `${ANSWER} @.append_atomic_2($1::bigint, $2::boolean, null, ${COLUMNS})`
/** Remembers chunks of nothing but repeats; leases only with a worker. */
const APPEND_LEASED = `
select created_at, absent, token from @.append_3($1::bigint, $2::boolean, $23::text, $24::bigint, ${COLUMNS})`

export interface Answer {
  readonly created_at: number
  /** JSON of absences; null when every command is stored. */
  readonly absent: string | null
  /** Of the lease; absent or null when it was not leased. */
  readonly token?: number | null
}

export type Append = (drafts: readonly ChunkDraft[], terms: AppendTerms) => Promise<readonly AppendResult[]>

/** How much the latest append says about the next one. */
const LATEST_WEIGHT = 0.2
/** Keys are taken without asking first while fewer appends than this met a known one: a vain try costs more than it saves. */
const REPEATING_MAX = 0.3

export function newAppend(db: Database): Append {
  /** Share of the latest appends with keys that met a known one. */
  let repeating = 0

  function ask(terms: AppendTerms, values: unknown[]): Promise<Answer[]> {
    const { atomic, remember, lease } = terms
    if (!remember) return db.query<Answer>(atomic ? APPEND_ATOMIC : APPEND, values)
    const leased = lease === null ? [null, null] : [lease.workerId, Math.trunc(lease.leaseMs)]
    return db.query<Answer>(APPEND_LEASED, [...values, ...leased])
  }

  return async (drafts, terms) => {
    const distinct = distinctDrafts(drafts)
    if (distinct.length === 0) return []
    const columns = appendColumns(distinct)
    const { windows } = columns.keys
    const isFresh = repeating < REPEATING_MAX && !windows.includes(LOOKUP_ONLY)
    const values = [db.now(), isFresh, ...binaryValues(columns)]
    const answers = await ask(terms, values)
    const results = resultsOf(distinct, answers)
    if (windows.length > 0) {
      const met = results.some(({ verdicts }) => verdicts !== null) ? 1 : 0
      repeating += LATEST_WEIGHT * (met - repeating)
    }
    if (!terms.atomic || !results.some(hasConflict)) db.give(appendHints(distinct, answers))
    const ordered = inOrder(drafts, distinct, results)
    return terms.lease === null ? ordered : withLeases(drafts, ordered, leasesOf(distinct, answers))
  }
}

/** Takes the partitions of these drafts, which has to come before any row is locked. */
export async function lockPartitions(tx: Transaction, drafts: readonly ChunkDraft[]): Promise<void> {
  const ordered = drafts.filter(({ partition }) => partition !== null)
  if (ordered.length === 0) return
  const values = [ordered.map(({ queue }) => queue), ordered.map(({ partition }) => partition)]
  await tx.query('select @.lock_partitions_1($1::text[], $2::integer[])', values)
}

/** What follows from something else that the transaction does: stored with it, without a look at keys. */
export async function appendBeside(
  db: Database,
  { tx, hints }: { readonly tx: Transaction; readonly hints: Hints },
  drafts: readonly ChunkDraft[],
): Promise<void> {
  if (drafts.length === 0) return
  const distinct = distinctDrafts(drafts)
  const answers = await tx.query<Answer>(APPEND, unkeyedValues(db, distinct))
  hints.addAll(appendHints(distinct, answers))
}

/** Parameters of APPEND for distinct drafts. */
export function unkeyedValues(db: Database, drafts: readonly ChunkDraft[]): unknown[] {
  const columns = appendColumns(drafts.map((draft) => ({ ...draft, keys: null })))
  return [db.now(), false, ...binaryValues(columns)]
}

function binaryValues(columns: AppendColumns): unknown[] {
  const { keys, followers } = columns
  return [
    texts(columns.ids),
    texts(columns.queues),
    texts(columns.types),
    int4s(columns.priorities),
    int4s(columns.partitions),
    texts(columns.tenants),
    texts(columns.codecs),
    texts(columns.bodies),
    int4s(columns.sizes),
    int4s(columns.parkedDrafts),
    columns.parked,
    int4s(keys.drafts),
    int4s(keys.indexes),
    texts(keys.texts),
    texts(keys.fingerprints),
    int8s(keys.windows),
    int4s(followers.drafts),
    int4s(followers.indexes),
    int4s(followers.leaders),
    texts(followers.fingerprints),
  ]
}

/** A draft that comes twice in a call is stored once and answered twice. */
export function distinctDrafts(drafts: readonly ChunkDraft[]): readonly ChunkDraft[] {
  if (drafts.length < 2) return drafts
  const byId = new Map<string, ChunkDraft>()
  for (const draft of drafts) if (!byId.has(draft.id)) byId.set(draft.id, draft)
  return [...byId.values()]
}

export function inOrder(
  drafts: readonly ChunkDraft[],
  distinct: readonly ChunkDraft[],
  results: readonly AppendResult[],
): readonly AppendResult[] {
  if (drafts.length === distinct.length) return results
  const byId = new Map(distinct.map(({ id }, at) => [id, results[at] as AppendResult]))
  return drafts.map(({ id }) => byId.get(id) as AppendResult)
}

export function resultsOf(drafts: readonly ChunkDraft[], answers: readonly Answer[]): AppendResult[] {
  return answers.map(({ created_at, absent }, at) => ({
    createdAt: created_at,
    verdicts: verdictsOf((drafts[at] as ChunkDraft).size, absencesOf(absent)),
  }))
}

/** By chunk id. */
function leasesOf(drafts: readonly ChunkDraft[], answers: readonly Answer[]): Map<string, Lease> {
  const leases = new Map<string, Lease>()
  for (const [at, { created_at, absent, token = null }] of answers.entries()) {
    if (token === null) continue
    const draft = drafts[at] as ChunkDraft
    const skip = absencesOf(absent).map(([index]) => index)
    leases.set(draft.id, freshLease(draft, { token, skip, createdAt: created_at }))
  }
  return leases
}

function absencesOf(absent: string | null): readonly Absence[] {
  return absent === null ? [] : (JSON.parse(absent) as Absence[])
}

function verdictsOf(size: number, absences: readonly Absence[]): readonly AppendVerdict[] | null {
  if (absences.every(([, status]) => status === 'accepted')) return null
  const verdicts = new Array<AppendVerdict>(size).fill(ACCEPTED)
  for (const [index, status, id] of absences) {
    if (status !== 'accepted') verdicts[index] = { status, id: id as string }
  }
  return verdicts
}

function hasConflict({ verdicts }: AppendResult): boolean {
  return verdicts?.some(({ status }) => status === 'conflict') ?? false
}

/** What workers can claim now. A chunk that was there before is announced again, which does no harm. */
export function appendHints(drafts: readonly ChunkDraft[], answers: readonly Answer[]): Hints {
  const hints = new Hints()
  for (const [at, { queue, size, parked }] of drafts.entries()) {
    const { absent = null, token = null } = answers[at] ?? {}
    if (token !== null) continue
    const live = absent === null ? size : size - absencesOf(absent).length
    if (parked === null && live > 0) hints.add(queue, live)
  }
  return hints
}
