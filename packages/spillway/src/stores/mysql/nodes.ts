// Who works on the store, and who of them holds the roles that only one may have.

import { NODE_SILENCES_MAX } from '../../domain/index.js'
import type { NodeDraft, NodeRole, NodeView, RoleLease, StoreNodes } from '../../ports/index.js'
import { rowsOf, select } from './select.js'
import type { Session } from './session.js'
import { integer, text } from './sql-text.js'

interface NodeRow extends Omit<NodeView, 'roles' | 'alive'> {
  readonly roles: string
  readonly alive: number
}

const ROLE = 'role, node_id as nodeId, token, expires_at as expiresAt'

export function newNodes(session: Session): StoreNodes {
  return {
    async heartbeat(node, ttlMs) {
      await session.transaction((transaction) => transaction.finish([renewSql(node, ttlMs, session.now())]))
    },
    async leave(nodeId) {
      await session.transaction((transaction) => transaction.finish(leaveSql(nodeId, session.now())))
    },
    list: () => session.snapshot((db) => listNodes(db, session.now())),
    acquire: (role, nodeId, leaseMs) =>
      session.transaction(async (transaction) => {
        const [, found] = await transaction.finish([
          takeSql(role, nodeId, leaseMs, session.now()),
          `select ${ROLE} from spillway_roles where role = ${text(role)}`,
        ])
        const [lease] = found === undefined ? [] : rowsOf<RoleLease>(found)
        return lease?.nodeId === nodeId ? lease : null
      }),
    async release({ role, token }) {
      const held = `role = ${text(role)} and token = ${integer(token)}`
      const [found] = await session.transaction((transaction) =>
        transaction.finish([
          `select role from spillway_roles where ${held} for update`,
          `update spillway_roles set expires_at = least(expires_at, ${session.now()}) where ${held}`,
        ]),
      )
      return found?.rows.length === 1 ? 'ok' : 'stale'
    },
    roles: () =>
      session.snapshot((db) => select<RoleLease>(db, `select ${ROLE} from spillway_roles order by role`)),
  }
}

/** Forgets nodes that nobody heard of for a long time. */
export function forgetSilentSql(now: string): string {
  return `delete from spillway_nodes where seen_at + ttl_ms * ${NODE_SILENCES_MAX} <= ${now}`
}

function renewSql({ id, host, pid, version, roles }: NodeDraft, ttlMs: number, now: string): string {
  const said = [text(id), text(host), integer(pid), text(version), text(JSON.stringify(roles))]
  return `
insert into spillway_nodes (id, host, pid, version, roles, started_at, seen_at, ttl_ms)
values (${said.join(', ')}, ${now}, ${now}, ${integer(ttlMs)})
on duplicate key update host = values(host), pid = values(pid), version = values(version), roles = values(roles),
  seen_at = values(seen_at), ttl_ms = values(ttl_ms)`
}

function leaveSql(nodeId: string, now: string): string[] {
  const id = text(nodeId)
  return [
    `delete from spillway_nodes where id = ${id}`,
    `update spillway_roles set expires_at = ${now} where node_id = ${id} and expires_at > ${now}`,
  ]
}

/** MySQL assigns from left to right, and what comes later sees what was assigned: the order of these is their meaning. */
function takeSql(role: string, nodeId: string, leaseMs: number, now: string): string {
  return `
insert into spillway_roles (role, node_id, token, expires_at)
values (${text(role)}, ${text(nodeId)}, 1, ${now} + ${integer(leaseMs)})
on duplicate key update token = token + (expires_at <= ${now}),
  node_id = if(expires_at <= ${now}, values(node_id), node_id),
  expires_at = if(node_id = values(node_id), values(expires_at), expires_at)`
}

async function listNodes(db: Parameters<typeof select>[0], now: string): Promise<NodeView[]> {
  const rows = await select<NodeRow>(
    db,
    `
select id, host, pid, version, roles, started_at as startedAt, seen_at as seenAt, seen_at + ttl_ms > ${now} as alive
from spillway_nodes order by started_at, id`,
  )
  return rows.map(({ roles, alive, ...node }) => ({
    ...node,
    roles: JSON.parse(roles) as NodeRole[],
    alive: alive === 1,
  }))
}
