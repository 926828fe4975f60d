// Keeps low priorities from starving: every OLDEST_FIRST_EVERY-th claim of a lane takes the oldest chunks whatever their
// priority. Whether there are any of another priority shows only then: who is starved is never seen otherwise.

import { OLDEST_FIRST_EVERY } from '../../domain/index.js'
import type { ClaimRequest } from '../../ports/index.js'
import type { ClaimedLease, ClaimSource } from './claim-source.js'

export class AgingClaims implements ClaimSource {
  readonly #source: ClaimSource
  #claims = 0

  constructor(source: ClaimSource) {
    this.#source = source
  }

  claim(request: ClaimRequest): Promise<readonly ClaimedLease[] | null> {
    this.#claims = (this.#claims + 1) % OLDEST_FIRST_EVERY
    return this.#source.claim(this.#claims === 0 ? { ...request, oldestFirst: true } : request)
  }
}
