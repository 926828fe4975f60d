// Decides when to ask the store for work. Announced work is claimed at once when the last claim that found some is a while
// ago; else more of it may gather until then, so that claims are fewer and larger and a busy submitter's appends do not stand
// in line behind them. A full claim is followed by the next at once; otherwise the store is polled, because wake-ups may be lost.

import type { Lease } from '../domain/index.js'
import type { Cancel, ClaimRequest, Clock, Random, Store, Telemetry } from '../ports/index.js'
import { storeBackoffMs } from './store-backoff.js'

export interface ClaimerOptions {
  readonly store: Pick<Store, 'claim'>
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly pollMs: number
  /** How long after a claim that found work more of it may gather, and how many announced commands end the wait. */
  readonly lingerMs: number
  readonly lingerCommands: number
  /** What there is room for at this moment; null = nothing. */
  readonly request: () => ClaimRequest | null
  /** Leases, or null when the claim failed; and when they end, by the monotonic clock, unless extended. */
  readonly onLeases: (leases: readonly Lease[] | null, deadline: number) => void
}

export class Claimer {
  readonly #options: ClaimerOptions
  /** Commands announced since the last claim began. */
  #announced = 0
  /** There is more to claim as far as we know. At the start, for all we know, there is. */
  #more = true
  #claiming = false
  #claimedAt = 0
  /** When a claim last found something. */
  #foundAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #notBefore = 0
  #closed = false
  #armedFor = Number.POSITIVE_INFINITY
  #cancelTimer: Cancel | null = null

  constructor(options: ClaimerOptions) {
    this.#options = options
  }

  get claiming(): boolean {
    return this.#claiming
  }

  /** Commands became claimable, how many if known. */
  announce(commands: number): void {
    this.#announced += Math.max(1, commands)
    this.consider()
  }

  /** Claims without waiting for announcements or the next poll. */
  hurry(): void {
    this.#more = true
    this.consider()
  }

  /** Leaves the store alone for a while after something else than a claim failed. */
  holdOff(ms: number): void {
    this.#notBefore = Math.max(this.#notBefore, this.#options.clock.monotonic() + ms)
    this.consider()
  }

  /** Arranges the next claim. To be called whenever there may be room again. */
  consider(): void {
    if (this.#closed || this.#claiming || this.#options.request() === null) return
    const dueAt = this.#dueAt()
    if (dueAt >= this.#armedFor) return
    this.#disarm()
    this.#armedFor = dueAt
    const waitMs = dueAt - this.#options.clock.monotonic()
    const fire = (): void => this.#fire()
    if (waitMs > 0) this.#cancelTimer = this.#options.clock.schedule(waitMs, fire)
    else this.#options.clock.defer(fire)
  }

  close(): void {
    this.#closed = true
    this.#disarm()
  }

  #dueAt(): number {
    const { clock, pollMs, lingerMs, lingerCommands } = this.#options
    const now = clock.monotonic()
    let dueAt = this.#claimedAt + pollMs
    if (this.#more || this.#announced >= lingerCommands) dueAt = now
    else if (this.#announced > 0) dueAt = Math.min(dueAt, this.#foundAt + lingerMs)
    return Math.max(dueAt, this.#notBefore, now)
  }

  #disarm(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = null
    this.#armedFor = Number.POSITIVE_INFINITY
  }

  #fire(): void {
    this.#disarm()
    if (this.#closed || this.#claiming) return
    // Reasons may have changed since this was arranged, and a deferred call cannot be cancelled.
    const dueAt = this.#dueAt()
    if (dueAt > this.#options.clock.monotonic()) {
      this.consider()
      return
    }
    const request = this.#options.request()
    if (request !== null) void this.#claim(request)
  }

  async #claim(request: ClaimRequest): Promise<void> {
    const { store, clock, random, telemetry, onLeases } = this.#options
    this.#claiming = true
    this.#announced = 0
    this.#more = false
    // Counted from before the call: the store's own clock started the leases no earlier than that.
    const deadline = clock.monotonic() + request.leaseMs
    let leases: readonly Lease[] | null = null
    try {
      leases = await store.claim(request)
      this.#failures = 0
      this.#more = isFull(leases, request)
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.claim', error })
      this.#failures += 1
      this.#notBefore = clock.monotonic() + storeBackoffMs(this.#failures, random)
    }
    this.#claiming = false
    this.#claimedAt = clock.monotonic()
    if (leases !== null && leases.length > 0) this.#foundAt = this.#claimedAt
    onLeases(leases, deadline)
    this.consider()
  }
}

function isFull(leases: readonly Lease[], { chunksMax, commandsMax }: ClaimRequest): boolean {
  let commands = 0
  for (const { size, skip } of leases) commands += size - skip.length
  return leases.length >= chunksMax || commands >= commandsMax
}
