// Leaves the types out of claims whose circuit breaker is open: their chunks stay where they are, and nothing is hammered. Of
// a type that is being tried again it claims only as much as may be tried.

import type { ClaimRequest } from '../../ports/index.js'
import type { BreakerBoard } from '../limits/breaker-board.js'
import type { TypeBreaker } from '../limits/type-breaker.js'
import type { ClaimedLease, ClaimSource, ComeBack } from './claim-source.js'

export interface BreakerClaimsOptions {
  readonly source: ClaimSource
  readonly board: BreakerBoard
  readonly comeBack: ComeBack
}

export class BreakerClaims implements ClaimSource {
  readonly #options: BreakerClaimsOptions

  constructor(options: BreakerClaimsOptions) {
    this.#options = options
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedLease[] | null> {
    const { source, board, comeBack } = this.#options
    await board.refresh(request.types)
    const running: string[] = []
    const probing: TypeProbe[] = []
    let waitMs = Number.POSITIVE_INFINITY
    for (const type of request.types) {
      const breaker = board.of(type)
      const may = breaker?.mayClaim() ?? 'run'
      if (may === 'run') running.push(type)
      else if (may === 'probe' && breaker !== null) probing.push({ type, breaker })
      else if (typeof may === 'object') waitMs = Math.min(waitMs, may.waitMs)
    }
    if (waitMs < Number.POSITIVE_INFINITY) comeBack(waitMs)
    const leases = running.length === 0 ? [] : await source.claim({ ...request, types: running })
    if (probing.length === 0) return leases
    return this.#withProbes(request, probing, leases)
  }

  /** What was leased before must not be lost to a store that fails; the next claim will tell. */
  async #withProbes(
    request: ClaimRequest,
    probing: readonly TypeProbe[],
    before: readonly ClaimedLease[] | null,
  ): Promise<readonly ClaimedLease[] | null> {
    let leases = before
    for (const { type, breaker } of probing) {
      const commandsMax = await breaker.takeProbes()
      if (commandsMax === 0) continue
      try {
        const found = await this.#options.source.claim({
          ...request,
          types: [type],
          chunksMax: 1,
          commandsMax,
        })
        leases = leases === null ? found : [...leases, ...(found ?? [])]
      } catch (error) {
        if (leases === null || leases.length === 0) throw error
        return leases
      }
    }
    return leases
  }
}

interface TypeProbe {
  readonly type: string
  readonly breaker: TypeBreaker
}
