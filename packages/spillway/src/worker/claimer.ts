// Decides when to ask the store for work. Announced work is claimed at once when the last claim that found some is a while
// ago; else more of it may gather until then, so that claims are fewer and larger and a busy submitter's appends do not stand
// in line behind them: long where much is coming, because every handler call has its price, and shortly where little is, because then
// waiting gathers nothing. A full claim is followed by the next at once; otherwise the store is polled, because wake-ups may be lost.

import type { Cancel, ClaimRequest, Clock, Random, Telemetry } from '../ports/index.js'
import { type ClaimedLease, type ClaimSource, commandsOf } from './claims/claim-source.js'
import { storeBackoffMs } from './store-backoff.js'

/** Commands that this process left to be worked off so far, and when it last stored any, by the monotonic clock. */
export interface OwnAppends {
  readonly commands: number
  readonly lastAt: number
}

export interface ClaimerOptions {
  readonly source: ClaimSource
  readonly clock: Clock
  readonly random: Random
  readonly telemetry: Telemetry
  readonly pollMs: number
  /** How long after a claim that found work more of it may gather at most, and how many announced commands are enough. */
  readonly lingerMs: number
  readonly lingerCommands: number
  /** What this process submits itself, if it does: whoever waits for a receipt shares the thread with the handlers. */
  readonly ownAppends?: OwnAppends | undefined
  /** What there is room for at this moment; null = nothing. */
  readonly request: () => ClaimRequest | null
  /** Leases, or null when the claim failed or may not be made now; and when they end, by the monotonic clock, unless extended. */
  readonly onLeases: (leases: readonly ClaimedLease[] | null, deadline: number) => void
}

/** A claim that found less than this share of what is enough meets a trickle, for which a part of the wait will do. */
const TRICKLE_SHARE = 1 / 16
const TRICKLE_WAIT_SHARE = 1 / 2

/** A process that submits without a pause works a backlog off this many times as fast as it adds to it. */
const BACKLOG_PACE = 1.25
/** Without an append for this long it has time for as much as it can. */
const APPENDS_PAUSE_MS = 20

export class Claimer {
  readonly #options: ClaimerOptions
  /** Commands announced since the last claim began. */
  #announced = 0
  /** Of these, the ones announced last: most likely the next announcement is as large. */
  #announcedLast = 0
  /** There is more to claim as far as we know. At the start, for all we know, there is. */
  #more = true
  #claiming = false
  #claimedAt = 0
  /** When a claim last found something, and how much. */
  #foundAt = Number.NEGATIVE_INFINITY
  #found = 0
  /** How many commands this process is to have appended before it goes on with a backlog. */
  #pacedTo = 0
  #failures = 0
  #notBefore = 0
  /** There may be something to claim then that cannot be claimed before. */
  #comeBackAt = Number.POSITIVE_INFINITY
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
    this.#announcedLast = Math.max(1, commands)
    this.#announced += this.#announcedLast
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

  /** Claims after so long, if no claim comes before. */
  comeBackIn(ms: number): void {
    this.#comeBackAt = Math.min(this.#comeBackAt, this.#options.clock.monotonic() + ms)
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
    const { clock, pollMs } = this.#options
    const now = clock.monotonic()
    let dueAt = Math.min(this.#claimedAt + pollMs, this.#comeBackAt)
    if (this.#more || this.#isEnough) dueAt = now
    else if (this.#announced > 0) dueAt = Math.min(dueAt, this.#foundAt + this.#lingerMs)
    return Math.max(dueAt, this.#notBefore, this.#pacedUntil, now)
  }

  get #pacedUntil(): number {
    const { ownAppends, pollMs } = this.#options
    if (ownAppends === undefined || ownAppends.commands >= this.#pacedTo) return Number.NEGATIVE_INFINITY
    return Math.min(ownAppends.lastAt + APPENDS_PAUSE_MS, this.#claimedAt + pollMs)
  }

  /** Chunks are handed out whole where possible: one that does not fit any more would make a small call of its own. */
  get #isEnough(): boolean {
    return this.#announced > 0 && this.#announced + this.#announcedLast > this.#options.lingerCommands
  }

  get #lingerMs(): number {
    const { lingerMs, lingerCommands } = this.#options
    return this.#found < lingerCommands * TRICKLE_SHARE ? lingerMs * TRICKLE_WAIT_SHARE : lingerMs
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

  async #claim(most: ClaimRequest): Promise<void> {
    const request = this.#paced(most)
    const { source, clock, random, telemetry, onLeases } = this.#options
    this.#claiming = true
    this.#announced = 0
    this.#more = false
    this.#comeBackAt = Number.POSITIVE_INFINITY
    // Counted from before the call: the store's own clock started the leases no earlier than that.
    const deadline = clock.monotonic() + request.leaseMs
    let leases: readonly ClaimedLease[] | null = null
    try {
      leases = await source.claim(request)
      this.#failures = 0
      this.#more = leases !== null && isFull(leases, request)
    } catch (error) {
      telemetry.record({ event: 'fault', where: 'worker.claim', error })
      this.#failures += 1
      this.#notBefore = clock.monotonic() + storeBackoffMs(this.#failures, random)
    }
    this.#claiming = false
    this.#claimedAt = clock.monotonic()
    if (leases !== null && leases.length > 0) {
      this.#foundAt = this.#claimedAt
      this.#found = commandsOf(leases)
      this.#pace()
    }
    onLeases(leases, deadline)
    this.consider()
  }

  /** One call at a time while submits are going on: the next one follows when it is due. */
  #paced(request: ClaimRequest): ClaimRequest {
    const { ownAppends, clock, lingerCommands } = this.#options
    if (ownAppends === undefined || clock.monotonic() - ownAppends.lastAt >= APPENDS_PAUSE_MS) return request
    return { ...request, commandsMax: Math.min(request.commandsMax, lingerCommands) }
  }

  #pace(): void {
    const { ownAppends } = this.#options
    if (ownAppends === undefined) return
    this.#pacedTo = this.#more ? ownAppends.commands + this.#found / BACKLOG_PACE : 0
  }
}

function isFull(leases: readonly ClaimedLease[], { chunksMax, commandsMax }: ClaimRequest): boolean {
  return leases.length >= chunksMax || commandsOf(leases) >= commandsMax
}
