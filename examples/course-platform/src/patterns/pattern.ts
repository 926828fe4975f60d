// What every write pattern can do, so that they are measured and killed by the same code.

import type { Click } from '../clicks.js'

export const PATTERN_NAMES = ['sync', 'pool', 'buffer', 'store'] as const
export type PatternName = (typeof PATTERN_NAMES)[number]

export interface Pattern {
  readonly name: PatternName
  readonly summary: string
  /** Opens on a database, new or left behind by a killed process. */
  open(location: string): Promise<RunningPattern>
}

export interface RunningPattern {
  /** Resolves when the pattern says yes to the caller, which is not yet a row in all of them. */
  record(click: Click): Promise<void>
  /** Resolves when everything that still can land has landed. */
  settled(): Promise<void>
  close(): Promise<void>
}
