// Removing idempotency keys that expired. Two tables of keys take turns (migrations/0001-foundation.ts). While a table is small
// its expired keys are deleted one by one. A large one is left alone until its last key has expired, and is then emptied at
// once, at no cost per key: so the two hold at most twice what the longest window asks for.

import { isSpillwayError } from '../../errors/index.js'
import { type Database, nowSql, type Queryable, type Transaction } from './database.js'

export interface KeyRing {
  /** Removes keys that expired, at most `limit` of them unless a whole table is emptied; returns how many, if roughly. */
  removeExpired(limit: number): Promise<number>
}

export interface KeyRingOptions {
  /** A table up to this size is small. */
  readonly smallBytes?: number
  /** Pages of a table that one step reads. */
  readonly pagesPerStep?: number
}

/** Searching a table of this size for expired keys takes some milliseconds. */
const SMALL_BYTES = 8 * 1024 * 1024
/** 128 MiB, about a million keys. PostgreSQL 13 reads the whole table for each step. */
const PAGES_PER_STEP = 16_384
/** How long a turn waits for appends under way, while those that come later wait behind it. */
const TURN_WAIT_MS = 100
/** First keys of a table among which one that expired is looked for. */
const SAMPLE_KEYS = 1_000
const PAGE_BYTES = 8_192
/** In key_ring: when the last key of the other table expires has yet to be found out. */
const UNKNOWN = '9223372036854775807'

const NOW = `(select ${nowSql(1)})`

type Table = 0 | 1

const NOTHING = { version: '', page: 0, last: 0 }

interface Ring {
  /** Another one after every change of key_ring. */
  readonly version: string
  readonly current: Table
  /** Bytes of the two tables. */
  readonly sizes: readonly [number, number]
  /** Whether it is known when the last key of the other table expires. */
  readonly is_known: boolean
  /** Whether that time has come, or it is empty. */
  readonly is_over: boolean
}

const RING = `
select xmin::text as version, current, array[pg_relation_size('@.keys_0'), pg_relation_size('@.keys_1')] as sizes,
  other_expires_at is distinct from ${UNKNOWN} as is_known, coalesce(other_expires_at <= ${NOW}, true) as is_over
from @.key_ring`

const DELETE = tables(
  (table) => `
with expired as (
  delete from @.${table}
  where expires_at <= ${NOW} and ctid in (select ctid from @.${table} where expires_at <= ${NOW} limit $2)
  returning 1
) select count(*) as keys from expired`,
)

const ANY_EXPIRED = tables(
  (table) => `
select exists (
  select 1 from (select expires_at from @.${table} limit ${SAMPLE_KEYS}) first where expires_at <= ${NOW}
) as any`,
)

const LAST_EXPIRY = tables(
  (table) => `
select max(expires_at) as last from @.${table} where ctid >= format('(%s,0)', $1::bigint)::tid
  and ctid < format('(%s,0)', $2::bigint)::tid`,
)

const COUNT = tables(
  (table) => `
select greatest(reltuples, 0)::bigint as keys from pg_catalog.pg_class where oid = '@.${table}'::regclass`,
)

const LOCK = "select pg_advisory_xact_lock('@.key_ring'::regclass::oid::bigint)"
const MEASURED = `update @.key_ring set other_expires_at = $2::bigint where xmin::text = $1`
const TURNED = 'update @.key_ring set current = $1, other_expires_at = $2::bigint'

export function newKeyRing(db: Database, options: KeyRingOptions = {}): KeyRing {
  const { smallBytes = SMALL_BYTES, pagesPerStep = PAGES_PER_STEP } = options
  /** How far the other table was read in this state of the ring, and the latest expiry so far. */
  let measured = NOTHING

  const isLarge = (ring: Ring, table: Table): boolean => ring.sizes[table] > smallBytes

  async function readRing(on: Queryable): Promise<Ring> {
    const [ring] = await on.query<Ring>(RING, [db.now()])
    return ring as Ring
  }

  async function deleteSome(ring: Ring, limit: number): Promise<number> {
    let removed = 0
    for (const table of [0, 1] as const) {
      if (ring.sizes[table] === 0 || isLarge(ring, table) || removed >= limit) continue
      const [counted] = await db.query<{ readonly keys: number }>(DELETE[table], [db.now(), limit - removed])
      removed += counted?.keys ?? 0
    }
    return removed
  }

  /** Nobody writes to the other table, so it can be read in steps. */
  async function measure({ version, current, sizes }: Ring): Promise<void> {
    const table = otherOf(current)
    const { page, last } = measured.version === version ? measured : NOTHING
    const until = page + pagesPerStep
    const [found] = await db.query<{ readonly last: number | null }>(LAST_EXPIRY[table], [page, until])
    measured = { version, page: until, last: Math.max(last, found?.last ?? 0) }
    if (until * PAGE_BYTES < sizes[table]) return
    await inTurn((tx) => tx.query(MEASURED, [version, measured.last]))
  }

  async function wantsTurn(ring: Ring): Promise<boolean> {
    const other = otherOf(ring.current)
    if (isLarge(ring, other)) return ring.is_over
    if (!isLarge(ring, ring.current)) return false
    const [found] = await db.query<{ readonly any: boolean }>(ANY_EXPIRED[ring.current], [db.now()])
    return found?.any === true
  }

  /** Empties the other table if all in it expired, and makes it the current one if that is large. */
  async function turn(tx: Transaction): Promise<number> {
    const ring = await readRing(tx)
    const other = otherOf(ring.current)
    let emptied = 0
    if (isLarge(ring, other)) {
      if (!ring.is_over) return 0
      const [counted] = await tx.query<{ readonly keys: number }>(COUNT[other], [])
      emptied = counted?.keys ?? 0
      await tx.query(`truncate @.keys_${other}`, [])
    }
    if (isLarge(ring, ring.current)) await tx.query(TURNED, [other, UNKNOWN])
    else await tx.query(TURNED, [ring.current, null])
    return emptied
  }

  /** Null when appends under way kept it waiting; the next call tries again. */
  async function inTurn<T>(work: (tx: Transaction) => Promise<T>): Promise<T | null> {
    try {
      return await db.transaction(async (tx) => {
        await tx.query("select set_config('lock_timeout', $1, true)", [String(TURN_WAIT_MS)])
        await tx.query(LOCK, [])
        return await work(tx)
      })
    } catch (error) {
      if (isSpillwayError(error, 'store_unavailable') && error.details.reason === 'busy') return null
      throw error
    }
  }

  return {
    async removeExpired(limit) {
      const ring = await readRing(db)
      const removed = await deleteSome(ring, limit)
      if (!ring.is_known) await measure(ring)
      else if (await wantsTurn(ring)) return removed + ((await inTurn(turn)) ?? 0)
      return removed
    },
  }
}

function otherOf(table: Table): Table {
  return table === 0 ? 1 : 0
}

function tables(sql: (table: string) => string): readonly [string, string] {
  return [sql('keys_0'), sql('keys_1')]
}
