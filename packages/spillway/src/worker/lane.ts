// One kind of a queue's commands on their way in: its claims, and whether they have run dry.

import { Claimer, type ClaimerOptions } from './claimer.js'
import type { ClaimedLease, ClaimSource, ComeBack } from './claims/claim-source.js'
import { IdleWatch } from './idle-watch.js'
import type { LanePlan } from './queue-plan.js'

export interface LaneOptions
  extends Omit<ClaimerOptions, 'source' | 'lingerMs' | 'lingerCommands' | 'onLeases'> {
  readonly plan: LanePlan
  readonly claims: (comeBack: ComeBack) => ClaimSource
  /** Leases and when they end, by the monotonic clock, unless extended. */
  readonly onLeases: (leases: readonly ClaimedLease[], deadline: number) => void
}

export class Lane {
  readonly plan: LanePlan
  readonly claimer: Claimer
  readonly #idle = new IdleWatch()

  constructor({ plan, claims, onLeases, ...options }: LaneOptions) {
    this.plan = plan
    this.claimer = new Claimer({
      ...options,
      source: claims((ms) => this.claimer.comeBackIn(ms)),
      // A call of a single command leaves room for others by itself.
      ownAppends: plan.kind === 'batch' ? options.ownAppends : undefined,
      lingerMs: plan.lingerMs,
      lingerCommands: plan.lingerCommands,
      onLeases: (leases, deadline) => {
        this.#idle.claimed(leases?.length ?? null)
        if (leases !== null && leases.length > 0 && this.#idle.isWatched) this.claimer.hurry()
        onLeases(leases ?? [], deadline)
      },
    })
  }

  /** Claims at once; resolves when a claim found nothing and, as `nothingHeld` says, all is done. */
  idle(): Promise<void> {
    const idle = this.#idle.wait(this.claimer.claiming)
    this.claimer.hurry()
    return idle
  }

  /** Claims nothing more; resolves when, as `nothingHeld` says, all is done. */
  close(): Promise<void> {
    const emptied = this.#idle.wait(false)
    this.#idle.close()
    this.claimer.close()
    return emptied
  }

  /** There is something to claim that was not before: a chunk ended whose partition may have another one, or the short way was closed. */
  madeWay(): void {
    this.#idle.madeWay(this.claimer.claiming)
    this.claimer.hurry()
  }

  nothingHeld(): void {
    if (!this.claimer.claiming) this.#idle.nothingHeld()
  }
}
