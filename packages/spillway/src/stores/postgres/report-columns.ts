// What executions came to, as columns: one entry per update and per finished index, each with the place of its lease in the call,
// counted from 1.

import type { CommandUpdate } from '../../domain/index.js'
import { int4s, int8s, texts } from './columns.js'
import { updateNotes } from './row-notes.js'

interface Reported {
  readonly updates: readonly CommandUpdate[]
  readonly finished: readonly number[]
}

/** The parameters that follow `first`, as the functions take them. */
export function reportParameters(first: number): string {
  const types = [
    'integer',
    'integer',
    'text',
    'integer',
    'bigint',
    'text',
    'text',
    'text',
    'integer',
    'integer',
  ]
  return types.map((type, at) => `$${first + at}::${type}[]`).join(', ')
}

export function reportValues(items: readonly Reported[]): unknown[] {
  const updates = items.flatMap((item, at) => item.updates.map((update) => ({ ...update, place: at + 1 })))
  const finished = items.flatMap((item, at) => item.finished.map((index) => ({ index, place: at + 1 })))
  return [
    int4s(updates.map(({ place }) => place)),
    int4s(updates.map(({ index }) => index)),
    texts(updates.map(({ state }) => state)),
    int4s(updates.map(({ attempts }) => attempts)),
    int8s(updates.map(({ delayMs }) => Math.trunc(delayMs))),
    texts(updates.map(({ error }) => (error === null ? null : JSON.stringify(error)))),
    texts(updates.map(({ result }) => result ?? null)),
    texts(noted(updates)),
    int4s(finished.map(({ place }) => place)),
    int4s(finished.map(({ index }) => index)),
  ]
}

/** Nothing at all where no update has any: missing elements are read as nulls. */
function noted(updates: readonly CommandUpdate[]): readonly (string | null)[] {
  const notes = updates.map(updateNotes)
  return notes.every((note) => note === null) ? [] : notes
}
