// Which commands are meant, for everything that lists or picks them by what they are.

import { COMMAND_STATES, type CommandState } from '../domain/index.js'
import type { ListRequest } from '../ports/index.js'

export const stateArg = {
  type: 'enum',
  options: [...COMMAND_STATES] as CommandState[],
  description: 'In this state',
} as const

export const filterArgs = {
  type: { type: 'string', valueHint: 'name', description: 'Of this command type' },
  queue: { type: 'string', valueHint: 'name', description: 'In this queue' },
} as const

export function filterOf(values: {
  readonly state?: CommandState | undefined
  readonly type?: string | undefined
  readonly queue?: string | undefined
}): Omit<ListRequest, 'limit' | 'after'> {
  const { state, type, queue } = values
  return {
    ...(state === undefined ? {} : { state }),
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue }),
  }
}
