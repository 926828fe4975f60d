// Claims no more commands than a queue's rate limit lets start, and comes back when more may.

import type { ClaimRequest, Clock } from '../../ports/index.js'
import type { QueueRate } from '../limits/queue-rate.js'
import { type ClaimedLease, type ClaimSource, type ComeBack, commandsOf } from './claim-source.js'

/** Tokens for a look at a queue that was empty: enough for a chunk, since what it has beyond becomes debt. */
const LOOK_TOKENS = 1

export interface RateClaimsOptions {
  readonly source: ClaimSource
  readonly rate: QueueRate
  readonly clock: Pick<Clock, 'monotonic'>
  readonly comeBack: ComeBack
}

export class RateClaims implements ClaimSource {
  readonly #options: RateClaimsOptions
  #foundSome = false
  /** Nothing may start before, by the monotonic clock. */
  #notBefore = Number.NEGATIVE_INFINITY

  constructor(options: RateClaimsOptions) {
    this.#options = options
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedLease[] | null> {
    const { rate, clock, comeBack } = this.#options
    const leftMs = this.#notBefore - clock.monotonic()
    if (leftMs > 0) {
      comeBack(leftMs)
      return null
    }
    const want = this.#foundSome ? request.commandsMax : Math.min(request.commandsMax, LOOK_TOKENS)
    const { granted, waitMs } = await rate.take(want)
    if (granted === 0) {
      this.#notBefore = clock.monotonic() + waitMs
      comeBack(waitMs)
      return null
    }
    return this.#claimed({ ...request, commandsMax: granted })
  }

  async #claimed(request: ClaimRequest): Promise<readonly ClaimedLease[] | null> {
    const { source, rate, comeBack } = this.#options
    const granted = request.commandsMax
    let used = 0
    try {
      const leases = await source.claim(request)
      used = commandsOf(leases ?? [])
      this.#foundSome = (leases ?? []).length > 0
      // There may be more than tokens were taken for.
      if (used >= granted) comeBack(0)
      return leases
    } finally {
      rate.settle(granted, used)
    }
  }
}
