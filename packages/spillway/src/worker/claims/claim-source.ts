// Where a lane's claims go: the store, through whatever shapes them on the way. Each shaper is one of these around another, so
// that a queue without limits, tenants or breakers pays for aging alone, which is a counter.

import type { Lease } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'

/** A lease with what was found out about its commands on the way. */
export interface ClaimedLease extends Lease {
  /** By index: commands over the rate of their key, and how long each has to wait. */
  readonly overRate?: ReadonlyMap<number, number>
  /** What the body holds, where somebody has decoded it already. */
  readonly payloads?: readonly unknown[]
}

export interface ClaimSource {
  /** Null when the store was not asked, because nothing may start now: what it has is not known. */
  claim(request: ClaimRequest): Promise<readonly ClaimedLease[] | null>
}

/** Asks for the next claim after so many ms, if none comes before. */
export type ComeBack = (ms: number) => void

/** Commands that the leases have to be executed, without those that are put back. */
export function commandsOf(leases: readonly ClaimedLease[]): number {
  let commands = 0
  for (const { size, skip, overRate } of leases) commands += size - skip.length - (overRate?.size ?? 0)
  return commands
}
