// Who works on this store: processes register and renew, and roles that only one of them may have at a time are held by a
// lease. All times are the store's; a role's token strictly increases with every change of its holder, so that what a
// former holder still writes can be told from what the present one does.

export type NodeRole = 'intake' | 'worker' | 'maintenance' | 'agent'

export interface NodeDraft {
  /** Unique per process start. */
  readonly id: string
  readonly host: string
  readonly pid: number
  /** Version of Spillway. */
  readonly version: string
  readonly roles: readonly NodeRole[]
}

export interface NodeView extends NodeDraft {
  readonly startedAt: number
  readonly seenAt: number
  /** Whether its last heartbeat is younger than the time to live it gave. */
  readonly alive: boolean
}

export interface RoleLease {
  readonly role: string
  readonly nodeId: string
  readonly token: number
  readonly expiresAt: number
}

export interface StoreNodes {
  /** Registers the node, or renews it. It counts as alive for `ttlMs`. */
  heartbeat(node: NodeDraft, ttlMs: number): Promise<void>
  /** Forgets the node and releases its roles; unknown ids are ignored. */
  leave(nodeId: string): Promise<void>
  /** By start time, then id. Nodes that have been silent for ten times their time to live are forgotten by `prune`. */
  list(): Promise<readonly NodeView[]>
  /**
   * Takes a role that is free or expired, or renews it for its holder (same token). Null when another node holds it. A lease
   * that ended is taken anew, with a larger token, also by its last holder. The node need not be registered.
   */
  acquire(role: string, nodeId: string, leaseMs: number): Promise<RoleLease | null>
  /** Ends the lease if it is still this token's; `stale` otherwise. */
  release(lease: Pick<RoleLease, 'role' | 'token'>): Promise<'ok' | 'stale'>
  /** Every role that was ever held, by name; one that expired or was released shows its last holder. */
  roles(): Promise<readonly RoleLease[]>
}
