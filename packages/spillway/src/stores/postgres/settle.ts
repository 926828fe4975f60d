// What the holder of a lease writes, in one statement for all chunks of a call. The statements themselves compare (chunk, token)
// and answer the places of the leases that are valid.

import type { ChunkDraft, LeaseProgress, LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { appendBeside, lockPartitions } from './append.js'
import { bools, int4s, int8s, texts } from './columns.js'
import type { Database, Queryable } from './database.js'
import { Hints } from './hints.js'
import { reportParameters, reportValues } from './report-columns.js'

/** Parameters: now, transaction, and what settleValues makes. */
export const SETTLE = `
select place, freed from @.settle_2($1::bigint, $2::text, $3::text[], $4::bigint[], $5::boolean[], ${reportParameters(6)})`

const EXTEND = `
select place, freed, live from @.extend_2(
  $1::bigint, $2::bigint, $3::text[], $4::bigint[], $5::boolean[], $6::integer[], ${reportParameters(7)})`

const PROLONG = 'select place from @.prolong_1($1::bigint, $2::bigint, $3::text[], $4::bigint[])'

const CLEAR_CURSOR = -1
const LEAVE_CURSOR = -2

/** A lease that is valid. */
export interface Held {
  /** In the call, counted from 1. */
  readonly place: number
  /** The queue in which something became claimable. */
  readonly freed: string | null
}

export async function settle(db: Database, items: readonly Settlement[]): Promise<readonly LeaseVerdict[]> {
  if (items.length === 0) return []
  const run = (on: Queryable): Promise<Held[]> =>
    on.query<Held>(SETTLE, [db.now(), null, ...settleValues(items)])
  if (items.some(hasAppends)) return withAppends(db, items, run, hintsOf)
  const held = await run(db)
  db.give(hintsOf(held))
  return verdictsOf(items, held)
}

type Appending = LeaseRef & { readonly appends?: readonly ChunkDraft[] }

function hasAppends({ appends }: Appending): boolean {
  return appends !== undefined && appends.length > 0
}

/** What follows from the items whose lease is held is stored in the same commit. */
function withAppends<Row extends Held>(
  db: Database,
  items: readonly Appending[],
  run: (on: Queryable) => Promise<Row[]>,
  hintsOf: (held: readonly Row[]) => Hints,
): Promise<LeaseVerdict[]> {
  return db.transaction(async (tx, hints) => {
    await lockPartitions(tx, appendsOf(items))
    const held = await run(tx)
    const verdicts = verdictsOf(items, held)
    await appendBeside(db, { tx, hints }, appendsOf(items.filter((_, at) => verdicts[at] === 'ok')))
    hints.addAll(hintsOf(held))
    return verdicts
  })
}

export function appendsOf(items: readonly Appending[]): readonly ChunkDraft[] {
  return items.flatMap(({ appends }) => appends ?? [])
}

export function settleValues(items: readonly Settlement[]): unknown[] {
  return [...leaseValues(items), bools(items.map(({ complete }) => complete)), ...reportValues(items)]
}

export function hintsOf(held: readonly Held[]): Hints {
  const hints = new Hints()
  for (const { freed } of held) if (freed !== null) hints.add(freed, 0)
  return hints
}

/** Heartbeats that only say that their holder lives do not wait for locks, and are a statement of their own. */
export async function extend(
  db: Database,
  items: readonly LeaseProgress[],
  leaseMs: number,
): Promise<readonly LeaseVerdict[]> {
  const [quiet, telling] = [items.filter(isQuiet), items.filter((item) => !isQuiet(item))]
  const answers = await Promise.all([prolong(db, quiet, leaseMs), tell(db, telling, leaseMs)])
  const verdicts = answers.map((answer) => answer[Symbol.iterator]())
  return items.map((item) => verdicts[isQuiet(item) ? 0 : 1]?.next().value as LeaseVerdict)
}

async function prolong(db: Database, items: readonly LeaseRef[], leaseMs: number): Promise<LeaseVerdict[]> {
  if (items.length === 0) return []
  return verdictsOf(items, await db.query(PROLONG, [db.now(), Math.trunc(leaseMs), ...leaseValues(items)]))
}

async function tell(db: Database, items: readonly LeaseProgress[], leaseMs: number): Promise<LeaseVerdict[]> {
  if (items.length === 0) return []
  const values = [
    ...[db.now(), Math.trunc(leaseMs), ...leaseValues(items)],
    bools(items.map(({ release }) => release === true)),
    int4s(items.map(({ cursor }) => (cursor === undefined ? LEAVE_CURSOR : (cursor ?? CLEAR_CURSOR)))),
    ...reportValues(items),
  ]
  const run = (on: Queryable): Promise<Told[]> => on.query<Told>(EXTEND, values)
  if (items.some(hasAppends)) return withAppends(db, items, run, toldHints)
  const held = await run(db)
  db.give(toldHints(held))
  return verdictsOf(items, held)
}

interface Told extends Held {
  /** Commands that were given back. */
  readonly live: number
}

function toldHints(held: readonly Told[]): Hints {
  const hints = new Hints()
  for (const { freed, live } of held) if (freed !== null) hints.add(freed, live)
  return hints
}

function isQuiet(item: LeaseProgress): boolean {
  const { updates, finished, cursor, release } = item
  if (updates.length > 0 || finished.length > 0 || hasAppends(item)) return false
  return cursor === undefined && release !== true
}

export function leaseValues(items: readonly LeaseRef[]): unknown[] {
  return [texts(items.map(({ chunkId }) => chunkId)), int8s(items.map(({ token }) => token))]
}

function verdictsOf(items: readonly LeaseRef[], held: readonly Pick<Held, 'place'>[]): LeaseVerdict[] {
  const places = new Set(held.map(({ place }) => place))
  return items.map((_, at) => (places.has(at + 1) ? 'ok' : 'stale'))
}
