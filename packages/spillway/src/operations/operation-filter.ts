// Which commands an operation is about, as people say it.

import type { CommandState } from '../domain/index.js'

export const OPERATION_ACTIONS = ['redrive', 'discard', 'cancel'] as const
export type OperationAction = (typeof OPERATION_ACTIONS)[number]

/** Commands that a dry run counts at most. */
export const OPERATION_COUNT_MAX = 10_000

export interface CommandFilter {
  readonly state?: CommandState
  readonly type?: string
  readonly queue?: string
  readonly fingerprint?: string
}
