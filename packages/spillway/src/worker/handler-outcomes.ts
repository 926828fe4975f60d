// From what a handler returned to outcomes that may be kept: of the right number and of a known kind. What does not fit is an
// error that retries, never a silent success.

import { isHandlerOutcome, type Outcome } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { type Abilities, keepable } from './keepable.js'
import type { Outcomes } from './trial.js'

/** Of a handler for one command: an outcome, or any other value, which is its result. */
export function outcomeOf(returned: unknown, abilities: Abilities): Outcome | null {
  if (returned === undefined) return null
  return keepable(isHandlerOutcome(returned) ? returned : { outcome: 'ok', value: returned }, abilities)
}

/** Of a batch handler: nothing, or exactly one outcome per command. Throws `handler_result` otherwise. */
export function outcomesOf(returned: unknown, size: number, abilities: Abilities): Outcomes | null {
  if (returned === undefined || returned === null) return null
  return listOf(returned, size, 'nothing or an array of outcomes').map((entry, at) => {
    if (entry === undefined || entry === null) return null
    if (isHandlerOutcome(entry)) return keepable(entry, abilities)
    throw wrongResult(
      `returned ${described(entry)} at index ${at}; use ok(value), failed(...), retry(...), unknown(...), pending(...) or null`,
    )
  })
}

/** What is not a list with one entry per command throws `handler_result`. */
export function listOf(returned: unknown, size: number, wanted: string): unknown[] {
  if (!Array.isArray(returned)) throw wrongResult(`returned ${described(returned)}; it must return ${wanted}`)
  if (returned.length === size) return returned
  throw wrongResult(`returned ${returned.length} outcomes for ${size} commands; it must return one for each`)
}

export function wrongResult(what: string): SpillwayError {
  return new SpillwayError('handler_result', `the handler ${what}`)
}

export function described(value: unknown): string {
  if (value === null) return 'null'
  if (isHandlerOutcome(value)) return `${value.outcome}(...)`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
