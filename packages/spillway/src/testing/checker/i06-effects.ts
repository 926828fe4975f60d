// I6: effects happen exactly once with `transaction` settlement and in a sink keyed by the command; elsewhere at least
// once for what succeeded and at most once per execution. A result that is kept is one that somebody came to.

import type { CommandState } from '../../domain/index.js'
import type { Facts } from './facts.js'
import { textOf } from './facts.js'
import { type Findings, findings, type Violation } from './violation.js'

/** How a command ended, pruned ones included. */
interface Ending {
  readonly type: string
  readonly text: string
  readonly state: CommandState
}

export function effects(facts: Facts): readonly Violation[] {
  const found = findings('I6')
  const endings = endingsOf(facts)
  checkTransactions(facts, endings, found)
  checkSink(facts, endings, found)
  checkPlain(facts, endings, found)
  checkResults(facts, found)
  return found.list
}

function endingsOf(facts: Facts): Map<string, Ending> {
  const endings = new Map<string, Ending>()
  for (const event of facts.history.events) {
    if (event.kind !== 'pruned') continue
    for (const { id, before } of event.changes) {
      const text = facts.textOfId.get(id)
      if (before === null || text === undefined) continue
      endings.set(id, { type: text.slice(0, text.indexOf(' ')), text, state: before.state })
    }
  }
  for (const { id, type, payload, state } of facts.history.final.commands) {
    endings.set(id, { type, text: textOf(type, payload), state })
  }
  return endings
}

function checkTransactions(facts: Facts, endings: ReadonlyMap<string, Ending>, found: Findings): void {
  const { final, types } = facts.history
  const counts = countOf(final.transactionEffects)
  for (const [id, count] of counts) {
    if (count > 1) found.add(final.at, id, `has ${count} effects in the settlement's transaction`)
    const state = endings.get(id)?.state
    if (state === undefined) found.add(final.at, id, 'has an effect but is not in the store')
    else if (state === 'failed' || state === 'dead' || state === 'cancelled') {
      found.add(final.at, id, `is ${state}, but its effect was committed`)
    }
  }
  for (const [id, { type, state }] of endings) {
    if (types[type]?.effects !== 'transaction' || state !== 'succeeded' || counts.has(id)) continue
    found.add(final.at, id, 'succeeded, but its effect is missing from the transaction')
  }
}

function checkSink(facts: Facts, endings: ReadonlyMap<string, Ending>, found: Findings): void {
  const { final, types } = facts.history
  const counts = countOf(final.sinkRows)
  const wanted = new Map<string, boolean>()
  for (const { type, text, state } of endings.values()) {
    if (types[type]?.effects !== 'sink') continue
    const payload = text.slice(type.length + 1)
    // One that has not ended may have its row already, in the commit that recorded it as finished.
    wanted.set(payload, wanted.get(payload) === true || state === 'succeeded' || state === 'running')
    if (state === 'succeeded' && !counts.has(payload)) {
      found.add(final.at, text, 'succeeded, but its row is missing from the sink')
    }
  }
  for (const [payload, count] of counts) {
    if (count > 1) found.add(final.at, payload, `has ${count} rows in a sink that is unique by command`)
    if (wanted.get(payload) !== true)
      found.add(final.at, payload, 'has a row in the sink, but never succeeded')
  }
}

function checkPlain(facts: Facts, endings: ReadonlyMap<string, Ending>, found: Findings): void {
  const runs = new Map<string, number>()
  const done = new Map<string, number>()
  for (const event of facts.history.events) {
    if (event.kind === 'started') runs.set(event.id, (runs.get(event.id) ?? 0) + 1)
    if (event.kind !== 'effect') continue
    const count = (done.get(event.id) ?? 0) + 1
    done.set(event.id, count)
    const executions = runs.get(event.id) ?? 0
    if (count > executions) {
      found.add(event.at, event.id, `has ${count} effects from ${executions} executions`)
    }
  }
  for (const [id, { type, state }] of endings) {
    if (facts.history.types[type]?.effects !== 'plain' || state !== 'succeeded' || done.has(id)) continue
    found.add(facts.history.final.at, id, 'succeeded, but never had an effect')
  }
}

function checkResults(facts: Facts, found: Findings): void {
  const results = new Map<string, Set<string | null>>()
  for (const event of facts.history.events) {
    if ((event.kind !== 'ended' && event.kind !== 'completed') || event.state !== 'succeeded') continue
    const id = event.id ?? ''
    results.set(id, (results.get(id) ?? new Set()).add(event.result))
  }
  const { final } = facts.history
  for (const { id, state, result } of final.commands) {
    if (state !== 'succeeded' || results.get(id)?.has(result) !== false) continue
    found.add(final.at, id, `succeeded with the result ${result}, which no execution of it came to`)
  }
}

function countOf(ids: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1)
  return counts
}
