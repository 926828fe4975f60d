// The life of one command, as data. Stores write states and compare tokens; which state follows which is decided
// from this table and nowhere else, so a driver cannot invent a transition.

/** Waiting or running inside a chunk. */
export const CHUNK_STATES = ['accepted', 'running'] as const
/** Waiting in a row of its own. */
export const PARKED_STATES = ['scheduled', 'retrying'] as const
/** Finished; only a redrive leaves `failed`, `dead` and `cancelled`. */
export const TERMINAL_STATES = ['succeeded', 'failed', 'dead', 'cancelled'] as const

export type ChunkState = (typeof CHUNK_STATES)[number]
export type ParkedState = (typeof PARKED_STATES)[number]
export type TerminalState = (typeof TERMINAL_STATES)[number]
export type CommandState = ChunkState | ParkedState | TerminalState
/** States a parked row can have. A command that succeeded at once has no row. */
export type RowState = ParkedState | TerminalState

export const COMMAND_STATES: readonly CommandState[] = [...CHUNK_STATES, ...PARKED_STATES, ...TERMINAL_STATES]

export const EVENTS = [
  'claim',
  'lose',
  'ok',
  'fail',
  'retry',
  'exhaust',
  'promote',
  'cancel',
  'redrive',
] as const
export type CommandEvent = (typeof EVENTS)[number]

export const TRANSITIONS = {
  accepted: { claim: 'running', cancel: 'cancelled' },
  running: { lose: 'accepted', ok: 'succeeded', fail: 'failed', retry: 'retrying', exhaust: 'dead' },
  scheduled: { promote: 'accepted', cancel: 'cancelled' },
  retrying: { promote: 'accepted', cancel: 'cancelled' },
  succeeded: {},
  failed: { redrive: 'retrying' },
  dead: { redrive: 'retrying' },
  cancelled: { redrive: 'retrying' },
} as const satisfies Record<CommandState, Partial<Record<CommandEvent, CommandState>>>

/** The state that follows, or null when the event is not allowed in this state. */
export function transition(state: CommandState, event: CommandEvent): CommandState | null {
  const row: Partial<Record<CommandEvent, CommandState>> = TRANSITIONS[state]
  return row[event] ?? null
}

export function isTerminal(state: CommandState): state is TerminalState {
  return (TERMINAL_STATES as readonly CommandState[]).includes(state)
}

/** States from which `event` is allowed: what a guarded UPDATE names in its WHERE. */
export function statesAllowing(event: CommandEvent): CommandState[] {
  return COMMAND_STATES.filter((state) => transition(state, event) !== null)
}
