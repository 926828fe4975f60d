// Who works on the store, and who of them holds the roles that only one may have.

import { NODE_SILENCES_MAX } from '../../domain/index.js'
import type { NodeDraft, NodeRole, NodeView, RoleLease } from '../../ports/index.js'
import type { SqliteTx } from './client.js'

/** Inside a write transaction. */
export interface NodeRegistry {
  heartbeat(node: NodeDraft, ttlMs: number, now: number): void
  leave(nodeId: string, now: number): void
  acquire(role: string, nodeId: string, leaseMs: number, now: number): RoleLease | null
  release(lease: Pick<RoleLease, 'role' | 'token'>, now: number): 'ok' | 'stale'
}

/** Inside a read transaction. */
export interface NodeReading {
  list(now: number): NodeView[]
  roles(): RoleLease[]
}

export interface SilentNodes {
  /** Inside a read transaction. */
  any(now: number): boolean
  /** Inside a write transaction. */
  forget(now: number): void
}

const ROLE = 'role, node_id as nodeId, token, expires_at as expiresAt'
const SILENT = `seen_at + ttl_ms * ${NODE_SILENCES_MAX} <= ?1`

export function prepareNodeRegistry(db: SqliteTx): NodeRegistry {
  const renew = db.prepare(`
    insert into spillway_nodes (id, host, pid, version, roles, started_at, seen_at, ttl_ms)
    values (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)
    on conflict (id) do update set host = excluded.host, pid = excluded.pid, version = excluded.version,
      roles = excluded.roles, seen_at = excluded.seen_at, ttl_ms = excluded.ttl_ms`)
  const forget = db.prepare('delete from spillway_nodes where id = ?1')
  const endAll = db.prepare(
    'update spillway_roles set expires_at = ?2 where node_id = ?1 and expires_at > ?2',
  )
  // Of an upsert's update all right-hand sides see the row as it was, so the token knows whether the lease had ended.
  const take = db.prepare(`
    insert into spillway_roles (role, node_id, token, expires_at) values (?1, ?2, 1, ?4)
    on conflict (role) do update
      set node_id = excluded.node_id, token = token + (expires_at <= ?3), expires_at = excluded.expires_at
      where node_id = excluded.node_id or expires_at <= ?3`)
  const find = db.prepare(`select ${ROLE} from spillway_roles where role = ?1`)
  const end = db.prepare(
    'update spillway_roles set expires_at = min(expires_at, ?3) where role = ?1 and token = ?2',
  )
  return {
    heartbeat({ id, host, pid, version, roles }, ttlMs, now) {
      renew.run(id, host, pid, version, JSON.stringify(roles), now, Math.trunc(ttlMs))
    },
    leave(nodeId, now) {
      forget.run(nodeId)
      endAll.run(nodeId, now)
    },
    acquire(role, nodeId, leaseMs, now) {
      const { changes } = take.run(role, nodeId, now, now + Math.trunc(leaseMs))
      return Number(changes) === 0 ? null : { ...(find.get(role) as RoleLease) }
    },
    release: ({ role, token }, now) => (Number(end.run(role, token, now).changes) === 0 ? 'stale' : 'ok'),
  }
}

interface NodeRow extends Omit<NodeView, 'roles' | 'alive'> {
  readonly roles: string
  readonly alive: number
}

export function prepareNodeReading(db: SqliteTx): NodeReading {
  const all = db.prepare(`
    select id, host, pid, version, roles, started_at as startedAt, seen_at as seenAt, seen_at + ttl_ms > ?1 as alive
    from spillway_nodes order by started_at, id`)
  const held = db.prepare(`select ${ROLE} from spillway_roles order by role`)
  return {
    list: (now) =>
      (all.all(now) as NodeRow[]).map(({ roles, alive, ...node }) => ({
        ...node,
        roles: JSON.parse(roles) as NodeRole[],
        alive: alive === 1,
      })),
    roles: () => (held.all() as RoleLease[]).map((lease) => ({ ...lease })),
  }
}

export function prepareSilentNodes(db: SqliteTx): SilentNodes {
  const any = db.prepare(`select 1 from spillway_nodes where ${SILENT} limit 1`)
  const forget = db.prepare(`delete from spillway_nodes where ${SILENT}`)
  return {
    any: (now) => any.get(now) !== undefined,
    forget: (now) => void forget.run(now),
  }
}
