// What an operation goes through: its action, and the filter with the states that the action is meant for spelled out.

import {
  type CommandEvent,
  type CommandState,
  ERROR_FINGERPRINT_LENGTH,
  NAME_LENGTH_MAX,
  statesAllowing,
} from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import { type CommandFilter, OPERATION_ACTIONS, type OperationAction } from './operation-filter.js'

export interface OperationScope {
  readonly action: OperationAction
  /** Gone through one after the other. */
  readonly states: readonly CommandState[]
  readonly type?: string
  readonly queue?: string
  readonly fingerprint?: string
}

/** What is in motion comes last: a command that is promoted meanwhile is still met. */
const CANCELLED_STATES: readonly CommandState[] = ['scheduled', 'blocked', 'retrying', 'accepted']

/** What an action is meant for when no state is named: to redrive what somebody refused or cancelled is somebody's wish, never a default. */
const DEFAULT_STATES: Readonly<Record<OperationAction, readonly CommandState[]>> = {
  redrive: ['dead'],
  discard: ['dead'],
  cancel: CANCELLED_STATES,
}

/** Throws `invalid_argument`. */
export function checkedScope(action: unknown, filter: CommandFilter): OperationScope {
  if (!isAction(action)) throw refused(`action: expected one of ${OPERATION_ACTIONS.join(', ')}`)
  if (typeof filter !== 'object' || filter === null) throw refused('filter: expected an object')
  const { state, type, queue, fingerprint, ...others } = filter
  const [other] = Object.keys(others)
  if (other !== undefined) throw refused(`filter.${other}: expected state, type, queue or fingerprint`)
  checkText(type, 'type', NAME_LENGTH_MAX)
  checkText(queue, 'queue', NAME_LENGTH_MAX)
  checkText(fingerprint, 'fingerprint', ERROR_FINGERPRINT_LENGTH)
  return {
    action,
    states: statesFor(action, state),
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  }
}

export function isOperationScope(value: unknown): value is OperationScope {
  if (typeof value !== 'object' || value === null) return false
  const { action, states } = value as Partial<OperationScope>
  return isAction(action) && Array.isArray(states) && states.length > 0
}

function statesFor(action: OperationAction, state: CommandState | undefined): readonly CommandState[] {
  if (state === undefined) return DEFAULT_STATES[action]
  const allowed = statesAllowing(action satisfies CommandEvent)
  if (allowed.includes(state)) return [state]
  throw refused(`filter.state: ${action} takes ${allowed.join(', ')} commands, not ${String(state)} ones`)
}

function checkText(text: unknown, name: string, max: number): void {
  if (text === undefined || (typeof text === 'string' && text.length >= 1 && text.length <= max)) return
  throw refused(`filter.${name}: expected a text of 1 to ${max} characters`)
}

function isAction(action: unknown): action is OperationAction {
  return OPERATION_ACTIONS.some((known) => known === action)
}

function refused(message: string): SpillwayError {
  return new SpillwayError('invalid_argument', message)
}
