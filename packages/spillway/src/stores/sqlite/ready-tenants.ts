// Which tenants have something to claim. From tenant to tenant by the index, however many chunks each has.

import type { ReadyTenant } from '../../ports/index.js'
import { EXPIRED } from './claimable.js'
import type { SqliteTx } from './client.js'
import { prepareRoom } from './room.js'

/** Inside a read transaction. */
export type ReadyTenants = (
  queue: string,
  types: readonly string[],
  limit: number,
  now: number,
) => ReadyTenant[]

interface Oldest {
  readonly tenant: string
  /** Null when there is none. */
  readonly seq: number | null
  readonly created_at: number
}

const READY = "state = 'ready' and queue = ?1 and blocked = 0"
const UNTENANTED = `${READY} and (tenant is not null) = 0`

/** Chunks of a tenant, a type and a priority lie together, the oldest first: from one such head to the next. */
const OF_TENANTS = `
with recursive tenants (tenant) as (
  select (select min(tenant) from spillway_chunks where ${READY} and tenant is not null)
  union all
  select (select min(later.tenant) from spillway_chunks later where ${READY} and later.tenant > tenants.tenant)
  from tenants where tenants.tenant is not null
),
heads (seq) as (
  select (select seq from spillway_chunks where ${READY} and tenant = tenants.tenant and type = types.value
      order by priority desc, seq limit 1)
  from tenants cross join json_each(?2) types where tenants.tenant is not null
  union all
  select (select lower.seq from spillway_chunks lower
      where ${READY} and lower.tenant = head.tenant and lower.type = head.type and lower.priority < head.priority
      order by lower.priority desc, lower.seq limit 1)
  from heads cross join spillway_chunks head on head.seq = heads.seq
)
select head.tenant, min(head.seq) as seq, head.created_at
from heads cross join spillway_chunks head on head.seq = heads.seq group by head.tenant`

const OF_NOBODY = `
with recursive heads (seq) as (
  select (select seq from spillway_chunks where ${UNTENANTED} and type = types.value order by priority desc, seq limit 1)
  from json_each(?2) types
  union all
  select (select lower.seq from spillway_chunks lower
      where ${UNTENANTED} and lower.type = head.type and lower.priority < head.priority
      order by lower.priority desc, lower.seq limit 1)
  from heads cross join spillway_chunks head on head.seq = heads.seq
)
select '' as tenant, min(head.seq) as seq, head.created_at
from heads cross join spillway_chunks head on head.seq = heads.seq`

const OF_EXPIRED = `
select coalesce(tenant, '') as tenant, min(seq) as seq, created_at
from spillway_chunks where ${EXPIRED} group by coalesce(tenant, '')`

export function prepareReadyTenants(db: SqliteTx): ReadyTenants {
  const room = prepareRoom(db)
  const ofTenants = db.prepare(OF_TENANTS)
  const ofNobody = db.prepare(OF_NOBODY)
  const ofExpired = db.prepare(OF_EXPIRED)
  return (queue, types, limit, now) => {
    if (room(queue, 1, now) <= 0) return []
    const wanted = JSON.stringify(types)
    const found = [
      ...(ofTenants.all(queue, wanted) as Oldest[]),
      ...(ofNobody.all(queue, wanted) as Oldest[]),
      ...(ofExpired.all(queue, now, wanted) as Oldest[]),
    ]
    return oldestFirst(found)
      .slice(0, limit)
      .map(({ tenant, created_at: oldestAt }) => ({ tenant, oldestAt }))
  }
}

/** One per tenant. */
function oldestFirst(found: readonly Oldest[]): Oldest[] {
  const inOrder = found.filter(({ seq }) => seq !== null).sort((a, b) => Number(a.seq) - Number(b.seq))
  const seen = new Set<string>()
  return inOrder.filter(({ tenant }) => !seen.has(tenant) && seen.add(tenant))
}
