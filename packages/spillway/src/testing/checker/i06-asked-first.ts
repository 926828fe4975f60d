// I6, for types that can be asked: once a command's handler was entered and did not say for certain that nothing happened, it is
// not entered again before somebody said so: `notApplied`, or a counterpart that refused or wants another try.

import type { Facts } from './facts.js'
import { DEFINITE_REPLIES, type Reply } from './outside-events.js'
import { findings, type Violation } from './violation.js'

const DEFINITE: ReadonlySet<Reply> = new Set(DEFINITE_REPLIES)

export function askedFirst(facts: Facts): readonly Violation[] {
  const found = findings('I6')
  /** Commands of which nobody knows whether they happened. */
  const open = new Set<string>()
  for (const event of facts.history.events) {
    if (event.kind === 'called' && event.stage === 'execute' && canBeAsked(facts, event.id)) {
      if (open.has(event.id))
        found.add(event.at, event.id, 'was executed again although nobody had said that it did not happen')
      open.add(event.id)
    } else if (event.kind === 'replied' && DEFINITE.has(event.reply)) open.delete(event.id)
    else if (event.kind === 'completed' && event.verdict === 'ok' && event.state !== 'reconciling')
      open.delete(event.id ?? '')
    // Whoever redrives what stopped being executed decides that it may be.
    else if (event.kind === 'controlled' && event.verb === 'redrive' && event.after?.state === 'retrying')
      open.delete(event.id)
  }
  return found.list
}

export function typeOf(facts: Facts, id: string): string {
  const text = facts.textOfId.get(id) ?? ''
  return text.slice(0, text.indexOf(' '))
}

function canBeAsked(facts: Facts, id: string): boolean {
  return (facts.history.types[typeOf(facts, id)]?.badDays?.reconciliations ?? null) !== null
}
