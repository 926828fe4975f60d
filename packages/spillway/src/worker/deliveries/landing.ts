// Gets chunks into the store, many in one commit, and does what follows from what became of each.

import { type Lease, lateConflicts } from '../../domain/index.js'
import { appendApart, type Fate } from '../../landing/index.js'
import type { AppendLease, AppendResult, Store, Telemetry } from '../../ports/index.js'
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
    const drafts = cargos.map(({ draft }) => draft)
    const fates = await appendApart(
      this.#options.store,
      drafts,
      lease === null ? { remember: true } : { lease },
    )
    const leased: (readonly [Lease, Cargo])[] = []
    for (const [at, cargo] of cargos.entries()) {
      const fate = fates[at] as Fate
      if (fate.status === 'left') return { leased, left: cargos.slice(at), error: fate.error }
      if (fate.status === 'refused') cargo.refuse(fate.reason)
      else leased.push(...this.#landed(cargo, fate.result))
    }
    return { leased, left: [], error: null }
  }

  /** The store has it as settled. */
  settled(cargo: Cargo): void {
    if (cargo.isDelivered) this.#record(cargo, null)
    cargo.pay()
  }

  #landed(cargo: Cargo, result: AppendResult): (readonly [Lease, Cargo])[] {
    const { verdicts, lease = null } = result
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
