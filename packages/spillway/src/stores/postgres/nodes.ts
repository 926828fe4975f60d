// Who works on the store, and who of them holds the roles that only one may have. Every statement is its own transaction.

import { NODE_SILENCES_MAX } from '../../domain/index.js'
import type { NodeView, RoleLease, StoreNodes } from '../../ports/index.js'
import { type Database, nowSql } from './database.js'

const NOW = `(select ${nowSql(1)})`

const RENEW = `
insert into @.nodes as nodes (id, host, pid, version, roles, started_at, seen_at, ttl_ms)
select $2, $3, $4::integer, $5, $6::text[], clock.now, clock.now, $7::bigint from (select ${NOW} as now) clock
on conflict (id) do update set host = excluded.host, pid = excluded.pid, version = excluded.version,
  roles = excluded.roles, seen_at = excluded.seen_at, ttl_ms = excluded.ttl_ms`

const LEAVE = `
with gone as (delete from @.nodes where id = $2)
update @.roles set expires_at = ${NOW} where node_id = $2 and expires_at > ${NOW}`

const LIST = `
select id, host, pid, version, roles, started_at::float8 as "startedAt", seen_at::float8 as "seenAt",
  seen_at + ttl_ms > ${NOW} as alive
from @.nodes order by started_at, id collate "C"`

const ROLE = `role, node_id as "nodeId", token::float8 as token, expires_at::float8 as "expiresAt"`

/** Whether the lease has ended is judged once the row is locked: of two nodes that see it ended, the second sees the first's. */
const ACQUIRE = `
insert into @.roles as held (role, node_id, token, expires_at) values ($2, $3, 1, ${NOW} + $4::bigint)
on conflict (role) do update
  set node_id = excluded.node_id, expires_at = excluded.expires_at,
    token = held.token + case when held.expires_at <= ${NOW} then 1 else 0 end
  where held.node_id = excluded.node_id or held.expires_at <= ${NOW}
returning ${ROLE}`

const RELEASE = `
update @.roles set expires_at = least(expires_at, ${NOW}) where role = $2 and token = $3::bigint returning role`

const ROLES = `select ${ROLE} from @.roles order by role collate "C"`

export const FORGET_SILENT_NODES = `delete from @.nodes where seen_at + ttl_ms * ${NODE_SILENCES_MAX} <= ${NOW}`

export function newNodes(db: Database): StoreNodes {
  return {
    async heartbeat({ id, host, pid, version, roles }, ttlMs) {
      await db.query(RENEW, [db.now(), id, host, pid, version, [...roles], Math.trunc(ttlMs)])
    },
    async leave(nodeId) {
      await db.query(LEAVE, [db.now(), nodeId])
    },
    list: () => db.query<NodeView>(LIST, [db.now()]),
    async acquire(role, nodeId, leaseMs) {
      const [lease] = await db.query<RoleLease>(ACQUIRE, [db.now(), role, nodeId, Math.trunc(leaseMs)])
      return lease ?? null
    },
    async release({ role, token }) {
      const released = await db.query(RELEASE, [db.now(), role, token])
      return released.length === 0 ? 'stale' : 'ok'
    },
    roles: () => db.query<RoleLease>(ROLES, []),
  }
}
