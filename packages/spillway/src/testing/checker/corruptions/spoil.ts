// How a valid history is spoiled: one event replaced, dropped or added, or the end rewritten.

import type { Accounted, FinalDump, History, HistoryEvent, StoredCommand } from '../history.js'
import { idOf } from '../sample-histories.js'
import { chunkIdOf } from '../story.js'
import type { Invariant } from '../violation.js'

export interface Corruption {
  readonly invariant: Invariant
  readonly what: string
  spoil(): History
}

type Kind = HistoryEvent['kind']
type Of<K extends Kind> = Extract<HistoryEvent, { kind: K }>

export const A0 = idOf('a', 0)
export const A1 = idOf('a', 1)
export const B0 = idOf('b', 0)
export const C0 = idOf('c', 0)
export const D0 = idOf('d', 0)
export const D1 = idOf('d', 1)

/** Replaces the first event of the kind that fits; an empty list drops it, several insert. */
export function change<K extends Kind>(
  history: History,
  kind: K,
  fits: (event: Of<K>) => boolean,
  replace: (event: Of<K>) => HistoryEvent | readonly HistoryEvent[],
): History {
  const at = history.events.findIndex((event) => event.kind === kind && fits(event as Of<K>))
  if (at < 0) throw new Error(`the sample history has no such ${kind} event`)
  const events = [...history.events]
  events.splice(at, 1, ...[replace(events[at] as Of<K>)].flat())
  return { ...history, events }
}

export function final(history: History, patch: (dump: FinalDump) => Partial<FinalDump>): History {
  return { ...history, final: { ...history.final, ...patch(history.final) } }
}

export function atTheEnd(history: History, id: string, patch: Partial<StoredCommand>): History {
  return final(history, ({ commands }) => ({
    commands: commands.map((command) => (command.id === id ? { ...command, ...patch } : command)),
  }))
}

export function without(history: History, id: string): History {
  return final(history, ({ commands }) => ({ commands: commands.filter((command) => command.id !== id) }))
}

export function first(
  history: History,
  kind: Kind,
  fits: (event: HistoryEvent) => boolean = () => true,
): HistoryEvent {
  return history.events.find((event) => event.kind === kind && fits(event)) as HistoryEvent
}

export function adjust(
  event: Accounted,
  by: Partial<Record<keyof Accounted['accounting'], number>>,
): Accounted['accounting'] {
  const counts = { ...event.accounting }
  for (const [state, delta] of Object.entries(by)) counts[state as keyof typeof counts] += delta
  return counts
}

export const isFor = (chunk: string) => (event: { chunkId: string }) => event.chunkId === chunkIdOf(chunk)
export const any = () => true

export function corrupt(invariant: Invariant, what: string, spoil: () => History): Corruption {
  return { invariant, what, spoil }
}
