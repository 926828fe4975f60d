// What came of the letters, judged by the counterpart's log alone: each was issued once, or refused and undone; and upstream was told of
// the end that it has.

import { expect } from 'vitest'
import type { StoredCommand } from '../../../src/testing/checker/index.js'
import type { CounterpartEvent, Fate } from './counterpart.js'

export interface LetterCounts {
  readonly issued: number
  readonly compensated: number
  /** Issued, by an answer that nobody heard. */
  readonly unheard: number
  /** Ended by the counterpart with the token of the command. */
  readonly completed: number
  /** Asked for once more than needed: an answer was lost with the worker that waited for it. */
  readonly askedAgain: number
  readonly told: number
}

/** Payloads of the letters that were issued, one for each time. */
export function issuedLetters(events: readonly CounterpartEvent[]): readonly string[] {
  return events.flatMap((event) => (event.kind === 'issued' ? [event.payload] : []))
}

export function expectLettersSettled(
  letters: readonly StoredCommand[],
  events: readonly CounterpartEvent[],
): LetterCounts {
  const issued = events.flatMap((event) => (event.kind === 'issued' ? [event.id] : []))
  const undone = new Set(events.flatMap((event) => (event.kind === 'undone' ? [event.id] : [])))
  const asked = events.flatMap((event) => (event.kind === 'asked' ? [event.id] : []))
  const isRefused = ({ payload }: StoredCommand): boolean => fateOf(payload) === 'refused'
  const [refused, others] = [letters.filter(isRefused), letters.filter((letter) => !isRefused(letter))]

  expect(refused.filter(({ id, state }) => state !== 'compensated' || !undone.has(id))).toEqual([])
  expect(others.filter(({ state }) => state !== 'succeeded')).toEqual([])
  expect([...issued].sort()).toEqual(others.map(({ id }) => id).sort())
  expect(undone.size).toBe(refused.length)
  const needed = letters.reduce((sum, { payload }) => sum + (fateOf(payload) === 'busy' ? 2 : 1), 0)
  return {
    ...{ issued: issued.length, compensated: refused.length },
    unheard: others.filter(({ payload }) => fateOf(payload) === 'unheard').length,
    completed: events.filter(({ kind }) => kind === 'completed').length,
    askedAgain: asked.length - needed,
    told: expectTold(letters, events),
  }
}

/** Every end has one callback, which says the same each time; a letter ends once more for every time it was run again. */
function expectTold(letters: readonly StoredCommand[], events: readonly CounterpartEvent[]): number {
  const bodies = new Map<string, string>()
  const callbacks = new Map<string, Set<string>>()
  const told = new Set<string>()
  for (const event of events) {
    if (event.kind !== 'told') continue
    expect(bodies.get(event.callback) ?? event.body).toBe(event.body)
    bodies.set(event.callback, event.body)
    const { id, state } = JSON.parse(event.body).data as { readonly id: string; readonly state: string }
    told.add(`${id} ${state}`)
    callbacks.set(id, (callbacks.get(id) ?? new Set()).add(event.callback))
  }
  expect(letters.filter(({ id, state }) => !told.has(`${id} ${state}`))).toEqual([])
  const counts = letters.map(({ id, generation }) => [id, callbacks.get(id)?.size, generation + 1])
  expect(counts.filter(([, count, ends]) => count !== ends)).toEqual([])
  return bodies.size
}

function fateOf(payload: string): Fate {
  return (JSON.parse(payload) as { readonly fate: Fate }).fate
}
