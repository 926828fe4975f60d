// Chunks that may be leased: ready ones and those whose lease expired. The index of the ready ones keeps chunks with a tenant
// apart from those without, so that either are found among any number of the other; whoever wants both reads two strands of it.

import type { Codec, Stage } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import type { SqliteStatement, SqliteTx, SqliteValue } from './client.js'

export interface Claimable {
  any(request: ClaimRequest, now: number): boolean
  /** In the order asked for: at least as many as the request's `chunksMax`, if there are. */
  list(request: ClaimRequest, now: number): Candidate[]
}

export interface Candidate {
  readonly seq: number
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition: number | null
  readonly tenant: string | null
  /** Null where the commands are simply run. */
  readonly stage: Stage | null
  readonly codec: Codec
  readonly state: 'ready' | 'leased'
  readonly promoted: number
  readonly size: number
  readonly live: number
  readonly skip: string | null
  readonly token: number
  readonly expiries: number
  readonly cursor: number | null
  readonly created_at: number
  /** Null when it is kept apart. */
  readonly body: string | null
}

const COLUMNS = `seq, id, queue, type, priority, partition, tenant, stage, codec, state, promoted, size, live, skip, token,
  expiries, cursor, created_at, body`

/** Part of the ready chunks of one type in one queue: those with the tenant ?3, or with any (1), or with none (0). */
const READY = "state = 'ready' and queue = ?1 and blocked = 0 and type = ?2"
const OF_TENANT = `${READY} and tenant = ?3`
const BY_TENURE = `${READY} and (tenant is not null) = ?3`

export const EXPIRED =
  "state = 'leased' and queue = ?1 and lease_expires_at <= ?2 and type in (select value from json_each(?3))"

/** Sorts after every priority. */
const ANY_PRIORITY = Number.MAX_SAFE_INTEGER

interface Strand {
  any(...which: readonly SqliteValue[]): boolean
  byPriority(limit: number, ...which: readonly SqliteValue[]): Candidate[]
  /** The oldest of each priority. */
  oldest(limit: number, ...which: readonly SqliteValue[]): Candidate[]
}

export function prepareClaimable(db: SqliteTx): Claimable {
  const ofTenant = prepareStrand(db, OF_TENANT)
  const byTenure = prepareStrand(db, BY_TENURE)
  const leftOver = `${EXPIRED} and (?4 is null or coalesce(tenant, '') = ?4)`
  const anyExpired = db.prepare(`select 1 from spillway_chunks where ${leftOver} limit 1`)
  const expired = db.prepare(`
    select ${COLUMNS} from spillway_chunks where ${leftOver} order by iif(?6, 0, priority) desc, seq limit ?5`)

  function* strandsOf({ tenant }: ClaimRequest): Generator<readonly [Strand, SqliteValue]> {
    if (tenant === undefined || tenant === '') yield [byTenure, 0]
    if (tenant === undefined) yield [byTenure, 1]
    else if (tenant !== '') yield [ofTenant, tenant]
  }

  /** Asked before a list, because a list of nothing costs ten times as much as the answer that there is nothing. */
  function isAnyExpired(request: ClaimRequest, now: number): boolean {
    const { queue, types, tenant = null } = request
    return anyExpired.get(queue, now, JSON.stringify(types), tenant) !== undefined
  }

  function* ready(request: ClaimRequest): Generator<Candidate[]> {
    const { queue, types, chunksMax, oldestFirst } = request
    for (const type of new Set(types)) {
      for (const [strand, which] of strandsOf(request)) {
        if (!strand.any(queue, type, which)) continue
        if (oldestFirst === true) yield strand.oldest(chunksMax, queue, type, which)
        else yield strand.byPriority(chunksMax, queue, type, which)
      }
    }
  }

  return {
    any(request, now) {
      const { queue, types } = request
      for (const type of types) {
        for (const [strand, which] of strandsOf(request)) if (strand.any(queue, type, which)) return true
      }
      return isAnyExpired(request, now)
    },
    list(request, now) {
      const { queue, types, tenant = null, chunksMax, oldestFirst = false } = request
      const found: Candidate[] = []
      if (isAnyExpired(request, now)) {
        const which: SqliteValue[] = [
          queue,
          now,
          JSON.stringify(types),
          tenant,
          chunksMax,
          oldestFirst ? 1 : 0,
        ]
        found.push(...(expired.all(...which) as Candidate[]))
      }
      for (const chunks of ready(request)) found.push(...chunks)
      return found.sort((a, b) => (oldestFirst ? 0 : b.priority - a.priority) || a.seq - b.seq)
    },
  }
}

function prepareStrand(db: SqliteTx, where: string): Strand {
  const any = db.prepare(`select 1 from spillway_chunks where ${where} limit 1`)
  const byPriority = db.prepare(
    `select ${COLUMNS} from spillway_chunks where ${where} order by priority desc, seq limit ?4`,
  )
  const nextPriority: SqliteStatement = db.prepare(
    `select max(priority) as priority from spillway_chunks where ${where} and priority < ?4`,
  )
  const ofPriority = db.prepare(
    `select ${COLUMNS} from spillway_chunks where ${where} and priority = ?4 order by seq limit ?5`,
  )

  function* prioritiesOf(which: readonly SqliteValue[]): Generator<number> {
    let below = ANY_PRIORITY
    for (;;) {
      const { priority } = nextPriority.get(...which, below) as { priority: number | null }
      if (priority === null) return
      yield priority
      below = priority
    }
  }

  return {
    any: (...which) => any.get(...which) !== undefined,
    byPriority: (limit, ...which) => byPriority.all(...which, limit) as Candidate[],
    oldest: (limit, ...which) =>
      [...prioritiesOf(which)].flatMap(
        (priority) => ofPriority.all(...which, priority, limit) as Candidate[],
      ),
  }
}
