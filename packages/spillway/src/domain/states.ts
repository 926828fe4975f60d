// The life of one command, as data. Stores write states and compare tokens; which state follows which is decided
// from this table and nowhere else, so a driver cannot invent a transition.

/** Waiting or running inside a chunk. */
export const CHUNK_STATES = ['accepted', 'running'] as const
/**
 * Waiting in a row of its own: for its time, for its next attempt, for the answer whether it happened, for the counterpart, for an
 * earlier command of its ordering key, or for being undone.
 */
export const PARKED_STATES = [
  'scheduled',
  'retrying',
  'reconciling',
  'pending',
  'blocked',
  'compensating',
] as const
/** Finished; only a redrive or a discard leaves `failed`, `dead` and `cancelled`. */
export const TERMINAL_STATES = ['succeeded', 'failed', 'dead', 'cancelled', 'compensated'] as const

export type ChunkState = (typeof CHUNK_STATES)[number]
export type ParkedState = (typeof PARKED_STATES)[number]
export type TerminalState = (typeof TERMINAL_STATES)[number]
export type CommandState = ChunkState | ParkedState | TerminalState
/** States a parked row can have. A command that succeeded at once has no row. */
export type RowState = ParkedState | TerminalState

export const COMMAND_STATES: readonly CommandState[] = [...CHUNK_STATES, ...PARKED_STATES, ...TERMINAL_STATES]

/**
 * What is done with a command when its turn comes: run its handler, ask whether it happened, ask the counterpart for its answer, or
 * undo it. All of a chunk's commands are in one stage; a chunk as it was submitted is in `execute`.
 */
export const STAGES = ['execute', 'reconcile', 'poll', 'compensate'] as const
export type Stage = (typeof STAGES)[number]

export const EVENTS = [
  'claim',
  'lose',
  'ok',
  'fail',
  'retry',
  'doubt',
  'pend',
  'block',
  'unblock',
  'undo',
  'undone',
  'exhaust',
  'promote',
  'cancel',
  'discard',
  'redrive',
  'redriveDoubt',
  'redriveUndo',
] as const
export type CommandEvent = (typeof EVENTS)[number]

/** What a handler's answer, late or not, can make of a command that may have happened. */
const ANSWERED = {
  ok: 'succeeded',
  fail: 'failed',
  retry: 'retrying',
  doubt: 'reconciling',
  pend: 'pending',
  undo: 'compensating',
  exhaust: 'dead',
} as const

export const TRANSITIONS = {
  accepted: { claim: 'running', cancel: 'cancelled' },
  running: { ...ANSWERED, lose: 'accepted', block: 'blocked' },
  scheduled: { promote: 'accepted', cancel: 'cancelled' },
  retrying: { promote: 'accepted', cancel: 'cancelled' },
  // These keep their name while a promoted chunk carries them: what they wait for is the same.
  reconciling: ANSWERED,
  pending: ANSWERED,
  compensating: { undone: 'compensated', undo: 'compensating', exhaust: 'dead' },
  blocked: { unblock: 'retrying', cancel: 'cancelled' },
  succeeded: {},
  failed: { redrive: 'retrying', discard: 'cancelled' },
  // A redrive goes on where the command died: running it, asking about it, or undoing it.
  dead: {
    redrive: 'retrying',
    redriveDoubt: 'reconciling',
    redriveUndo: 'compensating',
    discard: 'cancelled',
  },
  cancelled: { redrive: 'retrying' },
  compensated: {},
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

/** The state of a command that a promoted chunk carries: its own name, unless it is simply to be run. */
export function carriedState(stage: Stage, leased: boolean): CommandState {
  if (stage === 'execute') return leased ? 'running' : 'accepted'
  return stage === 'reconcile' ? 'reconciling' : stage === 'poll' ? 'pending' : 'compensating'
}

/** What a redrive makes of a command that stopped in this stage. A poll that died is asked about as if it were unknown. */
export function redriveEvent(state: CommandState, stage: Stage): 'redrive' | 'redriveDoubt' | 'redriveUndo' {
  if (state !== 'dead' || stage === 'execute') return 'redrive'
  return stage === 'compensate' ? 'redriveUndo' : 'redriveDoubt'
}
