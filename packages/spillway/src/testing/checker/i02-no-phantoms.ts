// I2: no phantoms. Every stored and every executed command was submitted, with the identical payload, at most as often as
// clients submitted it, and never when its client was told that it was rejected. Who redrives a command may give it another payload.

import { type Facts, mayBeStored, textOf } from './facts.js'
import { type Findings, findings, type Violation } from './violation.js'

export function noPhantoms(facts: Facts): readonly Violation[] {
  const found = findings('I2')
  const sightings = new Map<string, Set<string>>()
  const see = (at: number, id: string, type: string, payload: string, where: string): void => {
    const text = textOf(type, payload)
    const known = facts.textOfId.get(id)
    if (known === undefined) found.add(at, id, `${where} under an id that the store never accepted`)
    else if (facts.editsOfId.get(id)?.includes(text) === true) return
    else if (known !== text) found.add(at, id, `${where} with another payload than it was stored with`)
    // Callbacks are submitted by nobody: that they follow from an end is I13.
    if (facts.history.types[type]?.effects === 'callback') return
    const first = facts.byText.get(text)?.[0]
    if (first === undefined || first.at > at) found.add(at, id, `${where} but nobody had submitted it`)
    const ids = sightings.get(text)
    if (ids === undefined) sightings.set(text, new Set([id]))
    else ids.add(id)
  }
  for (const event of facts.history.events) {
    if (event.kind === 'started') see(event.at, event.id, event.type, event.payload, 'was executed')
    if (event.kind !== 'appended') continue
    for (const { id, payload, verdict } of event.commands) {
      if (verdict === 'accepted') see(event.at, id, event.type, payload, 'was stored')
    }
  }
  const { final } = facts.history
  for (const { id, type, payload } of final.commands) {
    see(final.at, id, type, payload, 'was stored')
    const edited = facts.editsOfId.get(id)?.at(-1)
    if (edited !== undefined && edited !== textOf(type, payload))
      found.add(final.at, id, 'has another payload than the one it was last redriven with')
  }
  tooMany(facts, sightings, found)
  return found.list
}

function tooMany(facts: Facts, sightings: ReadonlyMap<string, ReadonlySet<string>>, found: Findings): void {
  for (const [text, ids] of sightings) {
    const possible = (facts.byText.get(text) ?? []).filter(mayBeStored).length
    if (ids.size <= possible) continue
    const list = [...ids].join(', ')
    found.add(
      facts.history.final.at,
      list,
      `is in the store ${ids.size} times, but only ${possible} of its submits can have stored it: ${text}`,
    )
  }
}
