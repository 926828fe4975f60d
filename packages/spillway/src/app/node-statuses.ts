// Nodes as people ask about them: who is there, and who holds the roles that only one may have.

import type { NodeView, RoleLease, Store } from '../ports/index.js'
import type { NodeStatus } from './api.js'

export async function nodeStatuses({ nodes }: Pick<Store, 'nodes'>): Promise<NodeStatus[]> {
  const [views, roles] = [await nodes.list(), await nodes.roles()]
  return views.map((node) => ({
    ...node,
    holds: roles.filter((lease) => holds(node, lease)).map(({ role }) => role),
  }))
}

/** Judged by the node's last heartbeat, because only the store knows what time it is there. */
function holds({ id, alive, seenAt }: NodeView, { nodeId, expiresAt }: RoleLease): boolean {
  return id === nodeId && alive && expiresAt > seenAt
}
