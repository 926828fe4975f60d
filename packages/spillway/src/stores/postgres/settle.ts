// What the holder of a lease writes, in one statement for all chunks of a call. The statements themselves compare (chunk, token)
// and answer the places of the leases that are valid.

import type { LeaseProgress, LeaseRef, LeaseVerdict, Settlement } from '../../domain/index.js'
import { bools, int4s, int8s, texts } from './columns.js'
import type { Database } from './database.js'
import { Hints } from './hints.js'
import { reportParameters, reportValues } from './report-columns.js'

/** Parameters: now, transaction, and what settleValues makes. */
export const SETTLE = `
select place, freed from @.settle_1($1::bigint, $2::text, $3::text[], $4::bigint[], $5::boolean[], ${reportParameters(6)})`

const EXTEND = `
select place, freed, live from @.extend_1(
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
  const held = await db.query<Held>(SETTLE, [db.now(), null, ...settleValues(items)])
  db.give(hintsOf(held))
  return verdictsOf(items, held)
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
  const held = await db.query<Held & { readonly live: number }>(EXTEND, [
    ...[db.now(), Math.trunc(leaseMs), ...leaseValues(items)],
    bools(items.map(({ release }) => release === true)),
    int4s(items.map(({ cursor }) => (cursor === undefined ? LEAVE_CURSOR : (cursor ?? CLEAR_CURSOR)))),
    ...reportValues(items),
  ])
  const hints = new Hints()
  for (const { freed, live } of held) if (freed !== null) hints.add(freed, live)
  db.give(hints)
  return verdictsOf(items, held)
}

function isQuiet({ updates, finished, cursor, release }: LeaseProgress): boolean {
  return updates.length === 0 && finished.length === 0 && cursor === undefined && release !== true
}

export function leaseValues(items: readonly LeaseRef[]): unknown[] {
  return [texts(items.map(({ chunkId }) => chunkId)), int8s(items.map(({ token }) => token))]
}

function verdictsOf(items: readonly LeaseRef[], held: readonly Pick<Held, 'place'>[]): LeaseVerdict[] {
  const places = new Set(held.map(({ place }) => place))
  return items.map((_, at) => (places.has(at + 1) ? 'ok' : 'stale'))
}
