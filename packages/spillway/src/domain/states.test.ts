import { describe, expect, it } from 'vitest'
import {
  COMMAND_STATES,
  type CommandEvent,
  type CommandState,
  EVENTS,
  isTerminal,
  statesAllowing,
  TRANSITIONS,
  transition,
} from './states.js'

/** Written out by hand: the table under test is not the source of what is expected of it. */
const ALLOWED: readonly (readonly [CommandState, CommandEvent, CommandState])[] = [
  ['accepted', 'claim', 'running'],
  ['accepted', 'cancel', 'cancelled'],
  ['running', 'lose', 'accepted'],
  ['running', 'ok', 'succeeded'],
  ['running', 'fail', 'failed'],
  ['running', 'retry', 'retrying'],
  ['running', 'exhaust', 'dead'],
  ['scheduled', 'promote', 'accepted'],
  ['scheduled', 'cancel', 'cancelled'],
  ['retrying', 'promote', 'accepted'],
  ['retrying', 'cancel', 'cancelled'],
  ['failed', 'redrive', 'retrying'],
  ['dead', 'redrive', 'retrying'],
  ['cancelled', 'redrive', 'retrying'],
]

describe('transitions', () => {
  for (const state of COMMAND_STATES) {
    for (const event of EVENTS) {
      const expected = ALLOWED.find(([from, on]) => from === state && on === event)?.[2] ?? null
      it(`${state} on ${event} ${expected === null ? 'is forbidden' : `becomes ${expected}`}`, () => {
        expect(transition(state, event)).toBe(expected)
      })
    }
  }

  it('knows every state', () => {
    expect(Object.keys(TRANSITIONS).sort()).toEqual([...COMMAND_STATES].sort())
  })

  it('lets only a redrive leave a terminal state', () => {
    for (const state of COMMAND_STATES.filter(isTerminal)) {
      expect(EVENTS.filter((event) => transition(state, event) !== null)).toEqual(
        state === 'succeeded' ? [] : ['redrive'],
      )
    }
  })

  it('leads from every state to a terminal one', () => {
    for (const start of COMMAND_STATES) {
      const seen = new Set<CommandState>([start])
      for (const state of seen) for (const event of EVENTS) seen.add(transition(state, event) ?? state)
      expect([...seen].some(isTerminal)).toBe(true)
    }
  })

  it('names the states a guarded update starts from', () => {
    expect(statesAllowing('cancel')).toEqual(['accepted', 'scheduled', 'retrying'])
    expect(statesAllowing('redrive')).toEqual(['failed', 'dead', 'cancelled'])
  })
})
