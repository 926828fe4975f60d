// Looks at what was claimed for keys that are over their rate, for all chunks of a claim at once.

import type { AnyCommand } from '../../config/index.js'
import { decodeBody } from '../../domain/index.js'
import type { ClaimRequest, Telemetry } from '../../ports/index.js'
import type { KeyRates } from '../limits/key-rates.js'
import type { ClaimedLease, ClaimSource } from './claim-source.js'

export interface KeyRateClaimsOptions {
  readonly source: ClaimSource
  readonly rates: KeyRates
  readonly queue: string
  readonly telemetry: Telemetry
  readonly definitions: ReadonlyMap<string, AnyCommand>
}

export class KeyRateClaims implements ClaimSource {
  readonly #options: KeyRateClaimsOptions

  constructor(options: KeyRateClaimsOptions) {
    this.#options = options
  }

  async claim(request: ClaimRequest): Promise<readonly ClaimedLease[] | null> {
    const leases = await this.#options.source.claim(request)
    if (leases === null || leases.length === 0) return leases
    const waits = await this.#options.rates.waitsOf(leases.map((lease) => this.#keysOf(lease)))
    const rated = leases.map((lease, at) => {
      const overRate = waits[at]
      return overRate === undefined || overRate.size === 0 ? lease : { ...lease, overRate }
    })
    this.#recordDeferred(rated)
    return rated
  }

  #recordDeferred(leases: readonly ClaimedLease[]): void {
    const { queue, telemetry } = this.#options
    const counts = new Map<string, number>()
    for (const { type, overRate } of leases)
      if (overRate !== undefined) counts.set(type, (counts.get(type) ?? 0) + overRate.size)
    for (const [type, count] of counts)
      telemetry.record({ event: 'command.deferred', queue, type, reason: 'rate_limited', count })
  }

  /** By index, of the commands about to be executed. */
  #keysOf(lease: ClaimedLease): ReadonlyMap<number, string> {
    const keys = new Map<number, string>()
    const rateKey = this.#options.definitions.get(lease.type)?.rateKey ?? null
    if (rateKey === null || lease.stage !== 'execute') return keys
    const skip = new Set(lease.skip)
    for (const [index, payload] of payloadsOf(lease).entries()) {
      const key = skip.has(index) ? null : keyOf(rateKey, payload)
      if (key !== null) keys.set(index, key)
    }
    return keys
  }
}

/** What cannot be decoded is told when the lease is opened. */
function payloadsOf({ body, size, payloads }: ClaimedLease): readonly unknown[] {
  try {
    return payloads ?? decodeBody(body, size)
  } catch {
    return []
  }
}

/** The key's function is the user's; a payload that it throws for is not limited. */
function keyOf(rateKey: (payload: unknown) => string, payload: unknown): string | null {
  try {
    return String(rateKey(payload))
  } catch {
    return null
  }
}
