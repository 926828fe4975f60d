// Who works on the store, and who of them holds the roles that only one may have.

import { NODE_SILENCES_MAX } from '../../domain/index.js'
import type { NodeDraft, NodeView, RoleLease } from '../../ports/index.js'
import type { NodeRecord } from './records.js'
import type { MemoryState } from './state.js'

export function heartbeat(state: MemoryState, draft: NodeDraft, ttlMs: number, now: number): void {
  const startedAt = state.nodes.get(draft.id)?.startedAt ?? now
  state.nodes.set(draft.id, { draft: { ...draft, roles: [...draft.roles] }, startedAt, seenAt: now, ttlMs })
}

export function leave(state: MemoryState, nodeId: string, now: number): void {
  state.nodes.delete(nodeId)
  for (const lease of state.roles.values()) if (lease.nodeId === nodeId) releaseRole(state, lease, now)
}

export function listNodes(state: MemoryState, now: number): NodeView[] {
  return [...state.nodes.values()]
    .map((node) => ({
      ...node.draft,
      startedAt: node.startedAt,
      seenAt: node.seenAt,
      alive: isAlive(node, now),
    }))
    .sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1))
}

export function forgetSilentNodes(state: MemoryState, now: number): void {
  for (const [id, { seenAt, ttlMs }] of state.nodes) {
    if (seenAt + ttlMs * NODE_SILENCES_MAX <= now) state.nodes.delete(id)
  }
}

export function acquireRole(
  state: MemoryState,
  role: string,
  nodeId: string,
  leaseMs: number,
  now: number,
): RoleLease | null {
  const held = state.roles.get(role)
  const isFree = held === undefined || held.expiresAt <= now
  if (!isFree && held.nodeId !== nodeId) return null
  const token = (held?.token ?? 0) + (isFree ? 1 : 0)
  const lease: RoleLease = Object.freeze({ role, nodeId, token, expiresAt: now + leaseMs })
  state.roles.set(role, lease)
  return lease
}

export function releaseRole(
  state: MemoryState,
  { role, token }: Pick<RoleLease, 'role' | 'token'>,
  now: number,
): 'ok' | 'stale' {
  const held = state.roles.get(role)
  if (held === undefined || held.token !== token) return 'stale'
  state.roles.set(role, Object.freeze({ ...held, expiresAt: Math.min(held.expiresAt, now) }))
  return 'ok'
}

export function listRoles(state: MemoryState): RoleLease[] {
  return [...state.roles.values()].sort((a, b) => (a.role < b.role ? -1 : 1))
}

function isAlive({ seenAt, ttlMs }: NodeRecord, now: number): boolean {
  return seenAt + ttlMs > now
}
