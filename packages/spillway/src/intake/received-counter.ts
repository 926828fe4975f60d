// How many commands of each type were answered in the current moment. Telemetry gets sums, one event per type, outcome and
// moment, because an event per command would cost more than taking the command.

import type { Clock, Telemetry } from '../ports/index.js'

/** `enlisted` is not `accepted`: whether the caller's transaction commits is never told here. */
export type ReceivedOutcome = 'accepted' | 'enlisted' | 'duplicate' | 'rejected'

const OUTCOMES: readonly ReceivedOutcome[] = ['accepted', 'enlisted', 'duplicate', 'rejected']

export interface Tally {
  readonly queue: string
  readonly type: string
  accepted: number
  enlisted: number
  duplicate: number
  rejected: number
  /** Monotonic time of the oldest submit among those that got a receipt; infinite when none did. */
  oldestStartedAt: number
}

export function emptyTally(queue: string, type: string): Tally {
  const counts = { accepted: 0, enlisted: 0, duplicate: 0, rejected: 0 }
  return { queue, type, ...counts, oldestStartedAt: Number.POSITIVE_INFINITY }
}

export class ReceivedCounter {
  readonly #clock: Clock
  readonly #telemetry: Telemetry
  #dirty: Tally[] = []

  constructor(clock: Clock, telemetry: Telemetry) {
    this.#clock = clock
    this.#telemetry = telemetry
  }

  count(tally: Tally, outcome: ReceivedOutcome, startedAt: number): void {
    if (tally.accepted + tally.enlisted + tally.duplicate + tally.rejected === 0) this.#report(tally)
    tally[outcome] += 1
    if (outcome !== 'rejected' && startedAt < tally.oldestStartedAt) tally.oldestStartedAt = startedAt
  }

  #report(tally: Tally): void {
    this.#dirty.push(tally)
    if (this.#dirty.length > 1) return
    // The receipts of one flush are given in one go, so the first of them tells when all of them were.
    const answeredAt = this.#clock.monotonic()
    this.#clock.defer(() => this.#flush(answeredAt))
  }

  #flush(answeredAt: number): void {
    const tallies = this.#dirty
    this.#dirty = []
    for (const tally of tallies) {
      const { queue, type, oldestStartedAt } = tally
      for (const outcome of OUTCOMES) {
        const count = tally[outcome]
        tally[outcome] = 0
        if (count > 0) this.#telemetry.record({ event: 'command.received', queue, type, outcome, count })
      }
      tally.oldestStartedAt = Number.POSITIVE_INFINITY
      if (Number.isFinite(oldestStartedAt)) {
        this.#telemetry.record({
          event: 'accept.duration',
          queue,
          durationMs: Math.max(0, answeredAt - oldestStartedAt),
        })
      }
    }
  }
}
