// Which commands are meant, for everything that lists or picks them by what they are.

import { COMMAND_STATES, type CommandState } from '../domain/index.js'
import type { ListRequest } from '../ports/index.js'
import { wholeNumber } from './numbers.js'

export const stateArg = {
  type: 'enum',
  options: [...COMMAND_STATES] as CommandState[],
  description: 'In this state',
} as const

export const filterArgs = {
  type: { type: 'string', valueHint: 'name', description: 'Of this command type' },
  queue: { type: 'string', valueHint: 'name', description: 'In this queue' },
} as const

export const fingerprintArg = {
  type: 'string',
  valueHint: 'fingerprint',
  description: 'Of one error group',
} as const

const ROWS_DEFAULT = 50
/** Listing more is what a database client is for. */
const ROWS_MAX = 1_000_000

export const pageArgs = {
  limit: { type: 'string', valueHint: 'rows', description: `At most so many; default ${ROWS_DEFAULT}` },
  cursor: {
    type: 'string',
    valueHint: 'id',
    description: 'Go on behind this id, where an earlier list ended',
  },
} as const

export function rowsMax(limit: string | undefined): number {
  return limit === undefined ? ROWS_DEFAULT : wholeNumber('--limit', limit, 1, ROWS_MAX)
}

/** The filter as it was typed, for a command to paste. */
export function filterFlags({
  type,
  queue,
  state,
  fingerprint,
}: { readonly [Name in 'type' | 'queue' | 'state' | 'fingerprint']?: string | undefined }): string {
  return Object.entries({ state, type, queue, fingerprint })
    .map(([name, value]) => (value === undefined ? '' : ` --${name} ${value}`))
    .join('')
}

export function filterOf(values: {
  readonly state?: CommandState | undefined
  readonly type?: string | undefined
  readonly queue?: string | undefined
  readonly fingerprint?: string | undefined
}): Omit<ListRequest, 'limit' | 'after'> {
  const { state, type, queue, fingerprint } = values
  return {
    ...(state === undefined ? {} : { state }),
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
  }
}
