// Who holds which chunk at which moment, rebuilt from the claims and writes the store answered `ok`. It knows nothing
// of the store's own tokens and expiries, so that a store that gets them wrong is contradicted by it.

import type { Claimed, LeaseWritten } from './history.js'

export interface HeldLease {
  readonly claim: Claimed
  readonly token: number
  /** By the store's clock; every extend that was answered `ok` moves it. */
  readonly expiresAt: number
  /** False once the chunk was completed or given back. */
  readonly open: boolean
}

export class LeaseTable {
  readonly #leases = new Map<string, HeldLease>()

  of(chunkId: string): HeldLease | undefined {
    return this.#leases.get(chunkId)
  }

  /** Whether somebody may work on the chunk and nobody else may take it. */
  live(chunkId: string, at: number): boolean {
    const lease = this.#leases.get(chunkId)
    return lease?.open === true && lease.expiresAt > at
  }

  /** Leases that are live, of any chunk. */
  *liveAt(at: number): Generator<HeldLease> {
    for (const lease of this.#leases.values()) {
      if (lease.open && lease.expiresAt > at) yield lease
    }
  }

  claim(claim: Claimed): void {
    this.#leases.set(claim.chunkId, {
      claim,
      token: claim.token,
      expiresAt: claim.at + claim.leaseMs,
      open: true,
    })
  }

  /** Follows a write the store accepted; anything but the held token is ignored. */
  write(written: LeaseWritten): void {
    const lease = this.#leases.get(written.chunkId)
    if (lease === undefined || written.verdict === 'stale' || lease.token !== written.token) return
    this.#leases.set(written.chunkId, {
      ...lease,
      expiresAt: written.verb === 'extend' ? written.at + written.leaseMs : lease.expiresAt,
      open: lease.open && !written.release && !written.complete,
    })
  }
}
