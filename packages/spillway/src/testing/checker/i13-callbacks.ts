// I13: every end that upstream wants to hear of has one callback, stored in the commit that brought the end about and in no other.
// Its body is the same in every attempt, and it is delivered until its receiver takes it or its tries are used up.

import { isTerminal } from '../../domain/index.js'
import { type Facts, NO_NEWS } from './facts.js'
import type { CallbackSubject, Completed, Delivered, LeaseWritten, StoredCommand } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

interface StoredCallback {
  /** Its own command. */
  readonly id: string
  readonly callback: string
  readonly body: string
  readonly subject: CallbackSubject
}

export function callbacks(facts: Facts): readonly Violation[] {
  const found = findings('I13')
  const ledger = new Ledger(facts, found)
  for (const event of facts.history.events) {
    if (event.kind === 'written') ledger.write(event)
    else if (event.kind === 'completed') ledger.complete(event)
    else if (event.kind === 'delivered') ledger.deliver(event)
  }
  ledger.close(facts.history.final.commands)
  return found.list
}

class Ledger {
  readonly #facts: Facts
  readonly #found: Findings
  /** By the id of the callback's command. */
  readonly #known: ReadonlyMap<string, StoredCallback>
  readonly #stored = new Map<string, StoredCallback>()
  /** Callbacks of which the end has not shown yet, by command. */
  readonly #fresh = new Map<string, number>()
  readonly #taken = new Set<string>()

  constructor(facts: Facts, found: Findings) {
    this.#facts = facts
    this.#found = found
    this.#known = callbacksAmong(facts)
  }

  write(event: LeaseWritten): void {
    const { updates, silent } = this.#facts.news.get(event) ?? NO_NEWS
    const ends = new Map<string, string>(updates.map(({ id, state }) => [id, state]))
    for (const id of silent) ends.set(id, 'succeeded')
    this.#keep(event.at, event.appended ?? [], event.verdict === 'ok' ? ends : new Map())
    if (event.verdict === 'ok')
      this.#expect(
        event.at,
        event.changes.map(({ after }) => after),
      )
  }

  complete(event: Completed): void {
    const ends = event.verdict === 'ok' && event.id !== null ? new Map([[event.id, event.state]]) : new Map()
    this.#keep(event.at, event.appended, ends)
    if (event.verdict === 'ok') this.#expect(event.at, [event.after])
  }

  deliver({ at, callback, body, taken }: Delivered): void {
    const stored = this.#stored.get(callback)
    if (stored === undefined)
      this.#found.add(at, callback, 'was delivered before the end it tells of was stored')
    else if (stored.body !== body)
      this.#found.add(at, callback, 'was delivered with another body than it was stored with')
    if (taken) this.#taken.add(callback)
  }

  close(commands: readonly StoredCommand[]): void {
    const { at } = this.#facts.history.final
    for (const { id, state } of commands) {
      const known = this.#known.get(id)
      if (known === undefined) continue
      if (state === 'succeeded' && !this.#taken.has(known.callback))
        this.#found.add(at, id, 'counts as delivered, but no receiver has taken it')
    }
  }

  /** `ends`: what the operation that stored them brought to an end. */
  #keep(at: number, ids: readonly string[], ends: ReadonlyMap<string, string>): void {
    for (const id of ids) {
      const known = this.#known.get(id)
      if (known === undefined || this.#stored.get(known.callback)?.id === id) continue
      const { subject } = known
      if (ends.get(subject.id) !== subject.state)
        this.#found.add(
          at,
          id,
          `tells that ${subject.id} is ${subject.state}, which its commit did not bring about`,
        )
      this.#stored.set(known.callback, known)
      this.#fresh.set(subject.id, (this.#fresh.get(subject.id) ?? 0) + 1)
    }
  }

  #expect(at: number, after: readonly ({ readonly id: string; readonly state: string } | null)[]): void {
    for (const command of after) {
      if (command === null || !this.#isTold(command.id, command.state)) continue
      const count = this.#fresh.get(command.id) ?? 0
      this.#fresh.delete(command.id)
      if (count !== 1)
        this.#found.add(at, command.id, `is ${command.state}, and ${count} callbacks tell of it`)
    }
  }

  #isTold(id: string, state: string): boolean {
    const text = this.#facts.textOfId.get(id) ?? ''
    const { tells = [] } = this.#facts.history.types[text.slice(0, text.indexOf(' '))] ?? {}
    return (tells as readonly string[]).includes(state) && isTerminal(state as never)
  }
}

function callbacksAmong(facts: Facts): Map<string, StoredCallback> {
  const known = new Map<string, StoredCallback>()
  for (const { type, commands } of facts.appends) {
    if (facts.history.types[type]?.effects !== 'callback') continue
    for (const { id, payload } of commands) {
      const { id: callback, body } = JSON.parse(payload) as { readonly id: string; readonly body: string }
      const { data } = JSON.parse(body) as { readonly data: CallbackSubject }
      known.set(id, { id, callback, body, subject: { id: data.id, state: data.state } })
    }
  }
  return known
}
