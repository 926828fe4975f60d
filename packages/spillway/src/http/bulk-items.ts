// One command of a bulk request: `{type, payload, key?, priority?, runAt?, delay?}`. What is wrong with it is its own verdict
// and costs the others nothing. Unknown members are refused: one that is ignored was meant to do something.

import type { SubmitOptions } from '../app/api.js'
import { SpillwayError } from '../errors/index.js'
import { timeMs } from './query.js'

export interface BulkItem {
  readonly type: string
  readonly payload: unknown
  readonly options: SubmitOptions | null
}

/** A command, or why it is none. */
export type BulkEntry = BulkItem | Error

const OPTION_NAMES: readonly string[] = [
  'key',
  'priority',
  'runAt',
  'delay',
] satisfies (keyof SubmitOptions)[]

export function bulkItem(value: unknown): BulkEntry {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return unusable('must be an object with type and payload')
  const { type, payload } = value as { readonly type?: unknown; readonly payload?: unknown }
  if (typeof type !== 'string') return unusable('needs a type, a text')
  if (payload === undefined) return unusable('needs a payload')
  let options: SubmitOptions | null = null
  for (const name in value) {
    if (name === 'type' || name === 'payload') continue
    if (!OPTION_NAMES.includes(name))
      return unusable(`has a member that is not known; use type, payload, ${OPTION_NAMES.join(', ')}`)
    options ??= {}
    const fault = addOption(options, name, (value as Readonly<Record<string, unknown>>)[name])
    if (fault !== null) return fault
  }
  return { type, payload, options }
}

/** Ranges are checked by the intake; here only what JSON cannot say or says in another way. */
function addOption(options: SubmitOptions, name: string, value: unknown): Error | null {
  switch (name) {
    case 'key':
      if (typeof value !== 'string') return unusable('has a key that is not a text')
      options.key = value
      return null
    case 'priority':
      if (typeof value !== 'number') return unusable('has a priority that is not a number')
      options.priority = value
      return null
    case 'runAt': {
      const at = typeof value === 'string' ? timeMs(value) : value
      if (typeof at !== 'number' || Number.isNaN(at))
        return unusable('has a runAt that is not an RFC 3339 time or ms since the epoch')
      options.runAt = at
      return null
    }
    default:
      if (typeof value !== 'string' && typeof value !== 'number')
        return unusable('has a delay that is not a text or a number')
      options.delay = value as NonNullable<SubmitOptions['delay']>
      return null
  }
}

function unusable(problem: string): SpillwayError {
  return new SpillwayError('invalid_argument', `The command ${problem}.`)
}
