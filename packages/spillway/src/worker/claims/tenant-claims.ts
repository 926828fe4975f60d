// Lets the tenants of a queue take turns by weight. Who has work is the store's to say, whose turn it is this worker's: each
// worker is fair by itself, so all of them together are.

import {
  charge,
  FAIR_TENANTS_MAX,
  type FairShare,
  NO_FAIR_SHARE,
  nextTenant,
  type WeightedTenant,
} from '../../domain/index.js'
import type { ClaimRequest, Store } from '../../ports/index.js'
import { type ClaimedLease, type ClaimSource, type ComeBack, commandsOf } from './claim-source.js'

/** Turns of one claim: each is a question to the store. */
const TURNS_PER_CLAIM_MAX = 8

export interface TenantClaimsOptions {
  readonly source: ClaimSource
  readonly store: Pick<Store, 'readyTenants'>
  /** Of tenants that are not named it is 1. */
  readonly weights: ReadonlyMap<string, number>
  readonly comeBack: ComeBack
}

export class TenantClaims implements ClaimSource {
  readonly #options: TenantClaimsOptions
  #share: FairShare = NO_FAIR_SHARE

  constructor(options: TenantClaimsOptions) {
    this.#options = options
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedLease[]> {
    let ready = await this.#readyTenants(request)
    // One chunk is one turn, the smallest unit there is to be fair in; who is alone need not take turns.
    const chunksPerTurn = ready.length === 1 ? request.chunksMax : 1
    const leases: ClaimedLease[] = []
    let commands = 0
    for (let turns = 0; ready.length > 0 && hasRoom(request, leases.length, commands); turns += 1) {
      const chosen = nextTenant(this.#share, ready)
      if (chosen === null || turns === TURNS_PER_CLAIM_MAX) {
        this.#options.comeBack(0)
        break
      }
      const taken = await this.#claimFor(chosen, leases, {
        ...request,
        chunksMax: Math.min(chunksPerTurn, request.chunksMax - leases.length),
        commandsMax: request.commandsMax - commands,
      })
      if (taken === null) break
      if (taken.length < chunksPerTurn) ready = ready.filter((other) => other !== chosen)
      if (taken.length === 0) continue
      // What is put back is no share had.
      this.#share = charge(this.#share, [...ready, chosen], chosen, Math.max(1, commandsOf(taken)))
      commands += commandsOf(taken)
      leases.push(...taken)
    }
    return leases
  }

  /** Null = the store fails, and what was leased before must not be lost to that. The next claim will tell. */
  async #claimFor(
    { tenant }: WeightedTenant,
    leases: readonly ClaimedLease[],
    request: ClaimRequest,
  ): Promise<readonly ClaimedLease[] | null> {
    try {
      return await this.#options.source.claim({ ...request, tenant })
    } catch (error) {
      if (leases.length === 0) throw error
      return null
    }
  }

  async #readyTenants({ queue, types }: ClaimRequest): Promise<readonly WeightedTenant[]> {
    const { store, weights } = this.#options
    const ready = await store.readyTenants(queue, types, FAIR_TENANTS_MAX)
    return ready.map(({ tenant }) => ({ tenant, weight: weights.get(tenant) ?? 1 }))
  }
}

function hasRoom({ chunksMax, commandsMax }: ClaimRequest, chunks: number, commands: number): boolean {
  return chunks < chunksMax && commands < commandsMax
}
