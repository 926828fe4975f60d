// What happens outside the store and the executions themselves: what the functions of a command type are asked and say, what
// counterparts answer, what upstream is told.

import type { Stage, TerminalState, UpdateState } from '../../domain/index.js'
import type { Snapshot } from './snapshot.js'

/** A function of a command's type is entered: its handler, or what asks about the command or undoes it. */
export interface Called {
  readonly kind: 'called'
  readonly at: number
  /** Numbers the call; one of many commands is on record once for each. */
  readonly call: number
  readonly id: string
  readonly stage: Stage
}

export const DEFINITE_REPLIES = ['failed', 'retry', 'permanent', 'notApplied'] as const
export type Reply =
  | (typeof DEFINITE_REPLIES)[number]
  | 'ok'
  | 'unknown'
  | 'pending'
  | 'exception'
  | 'applied'
  | 'stillUnknown'

/** ... and says what it came to. A call that never returns says nothing. */
export interface Replied {
  readonly kind: 'replied'
  readonly at: number
  readonly call: number
  readonly id: string
  readonly stage: Stage
  readonly reply: Reply
}

/** A step of a command was done or undone outside, or its handler heard that the store has it on record. */
export interface Stepped {
  readonly kind: 'stepped'
  readonly at: number
  readonly call: number
  readonly id: string
  /** Their order: a later step has a larger number. */
  readonly step: number
  readonly what: 'done' | 'recorded' | 'undone'
}

/** A counterpart showed a token. */
export interface Completed {
  readonly kind: 'completed'
  readonly at: number
  readonly hash: string
  readonly verdict: 'ok' | 'not_found' | 'busy'
  /** Whose token it is, as far as the store ever said so. */
  readonly id: string | null
  /** What the answer makes of the command. */
  readonly state: UpdateState
  readonly delayMs: number
  /** JSON text of the answer's value. */
  readonly result: string | null
  readonly before: Snapshot | null
  readonly after: Snapshot | null
  /** Commands that it brought along and that are in the store after it. */
  readonly appended: readonly string[]
}

/** A callback reached its receiver. */
export interface Delivered {
  readonly kind: 'delivered'
  readonly at: number
  /** The same for every attempt. */
  readonly callback: string
  readonly body: string
  /** Whether the receiver said that it has it. */
  readonly taken: boolean
}

/** What a callback's command is about: read from its payload. */
export interface CallbackSubject {
  readonly id: string
  readonly state: TerminalState
}

export type OutsideEvent = Called | Replied | Stepped | Completed | Delivered
