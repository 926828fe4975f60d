// The words in which executing is planned and reported: a slice of the commands at hand is tried, and the trial either
// returned, with an outcome per command, or failed as a whole.

import type { AnyCommand } from '../config/index.js'
import type { Exception, Outcome } from '../domain/index.js'
import type { ExecutableCommand } from '../ports/index.js'
import type { CommandAids } from './command-aids.js'

/** Commands `from` up to, not including, `to`. */
export interface Slice {
  readonly from: number
  readonly to: number
}

/** What to call with which commands: exactly one for functions of one command. */
export interface Call {
  readonly definition: AnyCommand
  readonly commands: readonly ExecutableCommand[]
  readonly aids: CommandAids
}

/** One per command; null = succeeded without a value. The value of an `ok` is JSON text already. */
export type Outcomes = readonly (Outcome | null)[]

export type Trial =
  /** `outcomes` null = all succeeded without a value: the common case costs no allocation. */
  | { readonly ok: true; readonly outcomes: Outcomes | null }
  | { readonly ok: false; readonly exception: Exception }

/** Asks for trials one after the other; returns the outcomes of all commands. */
export type Plan = Generator<Slice, Outcomes | null, Trial>

export function follow(plan: Plan, run: (slice: Slice) => Trial): Outcomes | null {
  let step = plan.next()
  while (!step.done) step = plan.next(run(step.value))
  return step.value
}

export async function followAsync(
  plan: Plan,
  run: (slice: Slice) => Promise<Trial>,
): Promise<Outcomes | null> {
  let step = plan.next()
  while (!step.done) step = plan.next(await run(step.value))
  return step.value
}
