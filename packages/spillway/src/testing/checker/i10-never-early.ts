// I10: no command is claimed or run before its `runAt`, and no retry before its delay has passed, by the store's clock.
// That nothing starves is bounded by I18.

import { type Facts, parkings, textOf } from './facts.js'
import type { HistoryEvent } from './history.js'
import { findings, type Violation } from './violation.js'

export function neverEarly(facts: Facts): readonly Violation[] {
  const found = findings('I10')
  const dueAt = new Map<string, number>()
  const check = (at: number, id: string, what: string): void => {
    const due = dueAt.get(id)
    if (due !== undefined && at < due) found.add(at, id, `${what} ${due - at} ms before it is due at ${due}`)
  }
  for (const event of facts.history.events) {
    learn(event, facts, dueAt)
    if (event.kind === 'started') check(event.at, event.id, 'was run')
    if (event.kind === 'claimed') for (const { id } of event.commands) check(event.at, id, 'was claimed')
    if (event.kind !== 'promoted') continue
    for (const { id, before } of event.changes) {
      check(event.at, id, 'was promoted')
      if ((before?.nextAt ?? event.at) > event.at)
        found.add(event.at, id, `was promoted before ${before?.nextAt}`)
    }
  }
  return found.list
}

function learn(event: HistoryEvent, facts: Facts, dueAt: Map<string, number>): void {
  if (event.kind === 'appended' && facts.appends.has(event)) {
    for (const { id, payload } of event.commands) {
      const submissions = facts.byText.get(textOf(event.type, payload)) ?? []
      const runAt = Math.min(...submissions.map((submission) => submission.runAt ?? 0))
      if (Number.isFinite(runAt)) dueAt.set(id, runAt)
    }
  } else if (event.kind === 'written' && event.verdict === 'ok') {
    for (const { id, delayMs } of parkings(facts, event)) dueAt.set(id, event.at + delayMs)
  } else if (event.kind === 'completed' && event.verdict === 'ok' && event.id !== null) {
    dueAt.set(event.id, event.at + event.delayMs)
  } else if (event.kind === 'controlled' && event.verb === 'redrive' && event.verdict === 'ok') {
    dueAt.set(event.id, event.at)
  }
}
