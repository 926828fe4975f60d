// Gets chunks into the store, many in one commit, and finds out what became of each. A chunk that the store refuses for good must not
// hold up the others, and a store that is down must not make anybody refuse a chunk: when it does not say which, it is asked.

import { type Lease, lateConflicts } from '../../domain/index.js'
import { errorCode } from '../../errors/index.js'
import type { AppendLease, AppendResult, Store, Telemetry } from '../../ports/index.js'
import { classify } from '../classify.js'
import { Cargo } from './cargo.js'

export interface LandingOptions {
  readonly store: Pick<Store, 'append' | 'probe'>
  readonly telemetry: Telemetry
  /** A record of conflicting commands that has to be stored as well. */
  readonly onConflicts: (conflicts: Cargo) => void
}

export interface Landed {
  /** Of those that were leased, with the cargo each belongs to. */
  readonly leased: readonly (readonly [Lease, Cargo])[]
  /** In order: what the store does not have as far as we know, and why it has to be tried again. */
  readonly left: readonly Cargo[]
  readonly error: unknown
}

export class Landing {
  readonly #options: LandingOptions

  constructor(options: LandingOptions) {
    this.#options = options
  }

  /** Never rejects. With `lease` null the chunks are left to claims. */
  async land(cargos: readonly Cargo[], lease: AppendLease | null): Promise<Landed> {
    try {
      const results = await this.#options.store.append(
        cargos.map(({ draft }) => draft),
        lease === null ? { remember: true } : { lease },
      )
      return {
        leased: cargos.flatMap((cargo, at) => this.#landed(cargo, results[at])),
        left: [],
        error: null,
      }
    } catch (error) {
      if (classify(error) === 'transient') return { leased: [], left: cargos, error }
      return cargos.length === 1 ? this.#refused(cargos[0] as Cargo, error) : this.#oneByOne(cargos, lease)
    }
  }

  async #oneByOne(cargos: readonly Cargo[], lease: AppendLease | null): Promise<Landed> {
    const leased: (readonly [Lease, Cargo])[] = []
    for (const [at, cargo] of cargos.entries()) {
      const landed = await this.land([cargo], lease)
      leased.push(...landed.leased)
      if (landed.left.length > 0) return { leased, left: cargos.slice(at), error: landed.error }
    }
    return { leased, left: [], error: null }
  }

  /** A store that can take something, and not this. */
  async #refused(cargo: Cargo, error: unknown): Promise<Landed> {
    try {
      await this.#options.store.probe()
    } catch {
      return { leased: [], left: [cargo], error }
    }
    // By its code alone: what a database says may quote what it was given.
    cargo.refuse(`the store refuses it (${errorCode(error)})`)
    return { leased: [], left: [], error: null }
  }

  #landed(cargo: Cargo, result: AppendResult | undefined): (readonly [Lease, Cargo])[] {
    const { verdicts = null, lease = null } = result ?? {}
    if (cargo.isDelivered) this.#record(cargo, verdicts)
    const conflicts = lateConflicts(cargo.draft, verdicts)
    if (conflicts !== null) {
      cargo.owe()
      const ends = { paid: () => cargo.pay(), refused: (reason: string) => this.#unrecorded(cargo, reason) }
      this.#options.onConflicts(new Cargo(conflicts, ends, { isDelivered: false }))
    }
    if (lease !== null) return [[lease, cargo]]
    cargo.pay()
    return []
  }

  /** Nothing is left to do about it but to say so. */
  #unrecorded(cargo: Cargo, reason: string): void {
    const error = new Error(`conflicts of chunk ${cargo.draft.id} could not be recorded: ${reason}`)
    this.#options.telemetry.record({ event: 'fault', where: 'worker.deliveries', error })
    cargo.pay()
  }

  #record({ draft: { queue, type, size } }: Cargo, verdicts: AppendResult['verdicts']): void {
    const counts = { accepted: 0, duplicate: 0, conflict: 0 }
    if (verdicts === null) counts.accepted = size
    else for (const { status } of verdicts) counts[status] += 1
    for (const outcome of ['accepted', 'duplicate', 'conflict'] as const)
      if (counts[outcome] > 0)
        this.#options.telemetry.record({
          event: 'command.landed',
          queue,
          type,
          outcome,
          count: counts[outcome],
        })
  }
}
