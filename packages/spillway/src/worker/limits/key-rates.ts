// The rate limits of a queue's keys: after a claim, tokens are taken for all its commands at once. What a key has no token for
// is not run but told how long to wait.

import type { ResolvedRate } from '../../config/index.js'
import { fingerprint, takeTokens } from '../../domain/index.js'
import type { StoreShared, Telemetry } from '../../ports/index.js'
import { changeShared } from '../shared-change.js'
import { rateKeyOf } from './queue-rate.js'
import { bucketChange, parseBucket } from './shared-bucket.js'

/** Keys of one round trip. */
const KEYS_PER_TRIP_MAX = 256
/** How long commands wait whose bucket others kept changing. */
const CONTENDED_WAIT_MS = 100

export interface KeyRatesOptions {
  readonly queue: string
  readonly rate: ResolvedRate
  readonly shared: Pick<StoreShared, 'read' | 'write'>
  readonly telemetry: Telemetry
}

interface Grant {
  readonly granted: number
  /** Until the first token after those. */
  readonly waitMs: number
}

/** Where a command is: which of the maps asked about, and its index there. */
type Spot = readonly [at: number, index: number]

export class KeyRates {
  readonly #options: KeyRatesOptions

  constructor(options: KeyRatesOptions) {
    this.#options = options
  }

  /**
   * Of several chunks the keys by index: returns for each, by index, how many ms the commands over the rate have to wait. When the
   * store fails nothing is held back: the chunks are leased already, and had better run than expire.
   */
  async waitsOf(
    keys: readonly ReadonlyMap<number, string>[],
  ): Promise<readonly ReadonlyMap<number, number>[]> {
    const waits = keys.map(() => new Map<number, number>())
    const groups = [...this.#grouped(keys)]
    for (let from = 0; from < groups.length; from += KEYS_PER_TRIP_MAX) {
      const trip = new Map(groups.slice(from, from + KEYS_PER_TRIP_MAX))
      const grants = await this.#take(trip)
      for (const [key, spots] of trip) {
        for (const [[at, index], waitMs] of this.#held(spots, grants.get(key))) waits[at]?.set(index, waitMs)
      }
    }
    return waits
  }

  /** Keys may be long and secret. */
  #grouped(keys: readonly ReadonlyMap<number, string>[]): Map<string, Spot[]> {
    const groups = new Map<string, Spot[]>()
    for (const [at, byIndex] of keys.entries()) {
      for (const [index, key] of byIndex) {
        const name = `${rateKeyOf(this.#options.queue)}/${fingerprint(key)}`
        const spots = groups.get(name)
        if (spots === undefined) groups.set(name, [[at, index]])
        else spots.push([at, index])
      }
    }
    return groups
  }

  async #take(trip: ReadonlyMap<string, readonly Spot[]>): Promise<ReadonlyMap<string, Grant>> {
    const { shared, rate, telemetry } = this.#options
    const grants = new Map<string, Grant>()
    try {
      const contended = await changeShared(shared, [...trip.keys()], (key, text, now) => {
        const before = parseBucket(text)
        const { bucket, granted, retryAfterMs } = takeTokens(before, rate, trip.get(key)?.length ?? 0, now)
        grants.set(key, { granted, waitMs: retryAfterMs })
        return granted === 0 ? null : bucketChange(bucket, rate, now)
      })
      for (const key of contended) grants.set(key, { granted: 0, waitMs: CONTENDED_WAIT_MS })
      return grants
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.key_rate_limit', error })
      return new Map()
    }
  }

  /** Each of those over the rate waits for a token of its own. */
  *#held(spots: readonly Spot[], grant: Grant | undefined): Generator<readonly [Spot, number]> {
    if (grant === undefined) return
    const { limit, perMs } = this.#options.rate
    for (const [place, spot] of spots.slice(grant.granted).entries())
      yield [spot, grant.waitMs + Math.ceil((place * perMs) / limit)]
  }
}
