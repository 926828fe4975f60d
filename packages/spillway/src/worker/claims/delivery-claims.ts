// Claims of a queue whose chunks come from a broker. What was delivered goes first, because it is at hand and storing it leases it. The
// store is asked as well when there is room left and it may have something: it announced some, it had more than was taken, or it was not asked
// for a while. When deliveries leave no room for that, the next claim goes to the store first: so while both have plenty, they take turns.

import type { ClaimRequest, Clock, Store } from '../../ports/index.js'
import type { Deliveries } from '../deliveries/deliveries.js'
import { type ClaimedLease, type ClaimSource, type ComeBack, commandsOf } from './claim-source.js'

export interface DeliveryClaimsOptions {
  readonly deliveries: Pick<Deliveries, 'adopt' | 'hasWaiting' | 'makeWay'>
  readonly store: Pick<Store, 'claim'>
  /** Of the lane, whatever a single claim leaves out. */
  readonly types: readonly string[]
  readonly clock: Pick<Clock, 'monotonic'>
  readonly pollMs: number
  readonly comeBack: ComeBack
}

export class DeliveryClaims implements ClaimSource {
  readonly #options: DeliveryClaimsOptions
  /** As far as we know the store has something. At the start, for all we know, it has. */
  #storeHasMore = true
  #storeAskedAt = Number.NEGATIVE_INFINITY
  /** The store was due and there was no room left for it. */
  #storePassedOver = false

  constructor(options: DeliveryClaimsOptions) {
    this.#options = options
  }

  /** The store has something to claim. */
  announced(): void {
    this.#storeHasMore = true
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedLease[]> {
    this.#options.deliveries.makeWay(this.#options.types)
    const storeGoesFirst = this.#storePassedOver
    this.#storePassedOver = false
    const leases = storeGoesFirst
      ? await this.#both(request, this.#fromStore, this.#fromBroker)
      : await this.#both(request, this.#fromBroker, this.#fromStore)
    if (leases.length > 0 && this.#options.deliveries.hasWaiting(request.types)) this.#options.comeBack(0)
    return leases
  }

  async #both(request: ClaimRequest, first: Taker, second: Taker): Promise<readonly ClaimedLease[]> {
    const leases = await first(request, true)
    const left = roomLeft(request, leases)
    if (left === null) {
      this.#storePassedOver = second === this.#fromStore && this.#isStoreDue
      return leases
    }
    try {
      return [...leases, ...(await second(left, leases.length === 0))]
    } catch (error) {
      // What was leased before must not be lost to that; the next claim will tell.
      if (leases.length === 0) throw error
      return leases
    }
  }

  readonly #fromBroker: Taker = (request) => this.#options.deliveries.adopt(request)

  readonly #fromStore: Taker = async (request, isEmptyHanded) => {
    if (!isEmptyHanded && !this.#isStoreDue) return []
    const { store, clock } = this.#options
    this.#storeAskedAt = clock.monotonic()
    this.#storeHasMore = false
    try {
      const leases = await store.claim(request)
      if (roomLeft(request, leases) === null) this.#storeHasMore = true
      return leases
    } catch (error) {
      this.#storeHasMore = true
      throw error
    }
  }

  get #isStoreDue(): boolean {
    const { clock, pollMs } = this.#options
    return this.#storeHasMore || clock.monotonic() - this.#storeAskedAt >= pollMs
  }
}

/** `isEmptyHanded`: nothing was found so far. */
type Taker = (request: ClaimRequest, isEmptyHanded: boolean) => Promise<readonly ClaimedLease[]>

function roomLeft(request: ClaimRequest, leases: readonly ClaimedLease[]): ClaimRequest | null {
  const chunksMax = request.chunksMax - leases.length
  const commandsMax = request.commandsMax - commandsOf(leases)
  return chunksMax > 0 && commandsMax > 0 ? { ...request, chunksMax, commandsMax } : null
}
