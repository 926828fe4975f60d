// I9, for the other stages: within one doubt a command is not asked about, and within one failure not undone, more often than its
// type allows. A turn under a lease that is given back does not count; one whose worker crashed does.

import type { Facts } from './facts.js'
import { leaseKey } from './facts.js'
import type { Change, HistoryEvent, LeaseWritten, Started } from './history.js'
import { typeOf } from './i06-asked-first.js'
import { type Findings, findings, type Violation } from './violation.js'

const STAGES = { reconcile: 'reconciling', compensate: 'compensating' } as const
type CountedStage = keyof typeof STAGES

export function stageTries(facts: Facts): readonly Violation[] {
  const found = findings('I9')
  const turns = new Turns(facts, found)
  for (const event of facts.history.events) turns.step(event)
  return found.list
}

class Turns {
  readonly #facts: Facts
  readonly #found: Findings
  /** Leases under which it had a turn since it came into the stage, by command. */
  readonly #turns = new Map<string, Set<string>>()

  constructor(facts: Facts, found: Findings) {
    this.#facts = facts
    this.#found = found
  }

  step(event: HistoryEvent): void {
    if (event.kind === 'started') this.#start(event)
    else if (event.kind === 'written' && event.verdict === 'ok') this.#write(event)
    else if (event.kind === 'controlled' && event.verb === 'redrive' && event.verdict === 'ok')
      this.#turns.delete(event.id)
    else if (event.kind === 'completed' && event.verdict === 'ok') this.#turns.delete(event.id ?? '')
  }

  #start(event: Started): void {
    const { stage = 'execute', id, at } = event
    if (stage !== 'reconcile' && stage !== 'compensate') return
    const turns = this.#turns.get(id) ?? new Set()
    this.#turns.set(id, turns.add(leaseKey(event)))
    const limit = this.#limit(id, stage)
    if (limit !== null && turns.size > limit)
      this.#found.add(at, id, `has turn ${turns.size} of ${limit} to ${stage}`)
  }

  #write(event: LeaseWritten): void {
    for (const change of event.changes) if (isEntry(change)) this.#turns.delete(change.id)
    if (!event.release) return
    for (const { id } of this.#facts.claims.get(leaseKey(event))?.commands ?? [])
      this.#turns.get(id)?.delete(leaseKey(event))
  }

  #limit(id: string, stage: CountedStage): number | null {
    const { reconciliations = null, compensations = null } =
      this.#facts.history.types[typeOf(this.#facts, id)]?.badDays ?? {}
    return stage === 'reconcile' ? reconciliations : compensations
  }
}

/** Into a stage, or out of it. */
function isEntry({ before, after }: Change): boolean {
  const stages: readonly unknown[] = Object.values(STAGES)
  return before?.state !== after?.state && (stages.includes(before?.state) || stages.includes(after?.state))
}
