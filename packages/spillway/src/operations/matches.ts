// The commands that an operation is about, page by page: newest first and never back, so that a command which an operation has
// changed, and which comes to be as it was, is not met again.

import { type CommandState, RESERVED_PREFIX, VERB_COMMANDS_MAX } from '../domain/index.js'
import type { CommandView, StoreReader } from '../ports/index.js'
import type { OperationScope } from './operation-scope.js'

/** The command type of operations themselves. */
export const OPERATION_TYPE = `${RESERVED_PREFIX}operation`

/** How far it has got: in which of the scope's states, after which command. */
export interface Place {
  readonly stateAt: number
  readonly after: string | null
}

export const FROM_THE_START: Place = Object.freeze({ stateAt: 0, after: null })

export interface Matches {
  readonly items: readonly CommandView[]
  /** Where to go on; null = that was the last. */
  readonly next: Place | null
}

export type ListCommands = StoreReader['list']

/** At most VERB_COMMANDS_MAX; none is no sign that there are no more. */
export async function matchesAt(list: ListCommands, scope: OperationScope, place: Place): Promise<Matches> {
  const { type, queue, fingerprint, states } = scope
  const page = await list({
    state: states[place.stateAt] as CommandState,
    limit: VERB_COMMANDS_MAX,
    ...(type === undefined ? {} : { type }),
    ...(queue === undefined ? {} : { queue }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(place.after === null ? {} : { after: place.after }),
  })
  return {
    items: page.items.filter((view) => isMeant(view, scope)),
    next: placeAfter(scope, place, page.next),
  }
}

/** Spillway's own commands are left alone, but for those that are named; an operation is never about operations. */
function isMeant(view: CommandView, { type, queue }: OperationScope): boolean {
  if (!view.type.startsWith(RESERVED_PREFIX)) return true
  return view.type !== OPERATION_TYPE && (view.type === type || view.queue === queue)
}

function placeAfter({ states }: OperationScope, { stateAt }: Place, after: string | null): Place | null {
  if (after !== null) return { stateAt, after }
  return stateAt + 1 < states.length ? { stateAt: stateAt + 1, after: null } : null
}
