// I6, for steps: one that is on record is not done again by an execution that began later; when its command is undone, the steps on
// record are undone last to first, each at least once.

import type { Facts } from './facts.js'
import type { Stepped } from './history.js'
import { type Findings, findings, type Violation } from './violation.js'

interface Steps {
  readonly recorded: Set<number>
  readonly undone: Set<number>
  /** On record when it was decided to undo the command. What a worker that has lost it records later, nobody can know of. */
  due: ReadonlySet<number>
}

export function steps(facts: Facts): readonly Violation[] {
  const found = findings('I6')
  const records = new Map<string, Steps>()
  /** What was on record when each call began. */
  const atCall = new Map<number, ReadonlySet<number>>()
  const of = (id: string): Steps => {
    const known = records.get(id)
    if (known !== undefined) return known
    const fresh: Steps = { recorded: new Set(), undone: new Set(), due: new Set() }
    records.set(id, fresh)
    return fresh
  }
  for (const event of facts.history.events) {
    if (event.kind === 'called') atCall.set(event.call, onRecord(records.get(event.id)))
    else if (event.kind === 'stepped') take(event, of(event.id), atCall.get(event.call), found)
    else if (event.kind === 'written' && event.verdict === 'ok') {
      for (const { id, before, after } of event.changes) {
        if (after?.state === 'compensated') checkUndone(event.at, id, of(id), found)
        else if (after?.state === 'compensating' && before?.state !== 'compensating')
          of(id).due = onRecord(of(id))
      }
    }
  }
  return found.list
}

function take(
  { at, id, step, what }: Stepped,
  { recorded, undone }: Steps,
  before: ReadonlySet<number> | undefined,
  found: Findings,
): void {
  if (what === 'recorded') {
    recorded.add(step)
    return
  }
  if (what === 'done') {
    if (before?.has(step) === true) found.add(at, id, `did step ${step} again, which was on record`)
    undone.delete(step)
    return
  }
  const later = [...recorded].filter((other) => other > step && !undone.has(other))
  if (later.length > 0) found.add(at, id, `undid step ${step} before step ${Math.max(...later)}`)
  undone.add(step)
}

/** What was undone is taken from the record: whoever is redriven after that does it anew. */
function onRecord(steps: Steps | undefined): ReadonlySet<number> {
  return new Set([...(steps?.recorded ?? [])].filter((step) => steps?.undone.has(step) !== true))
}

function checkUndone(at: number, id: string, { due, undone }: Steps, found: Findings): void {
  const left = [...due].filter((step) => !undone.has(step))
  if (left.length > 0) found.add(at, id, `counts as compensated, but step ${left.join(', ')} was not undone`)
}
