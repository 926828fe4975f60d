import { describe, expect, it } from 'vitest'
import {
  COMMAND_STATES,
  type CommandEvent,
  type CommandState,
  carriedState,
  EVENTS,
  isTerminal,
  redriveEvent,
  STAGES,
  statesAllowing,
  TRANSITIONS,
  transition,
} from './states.js'

/** Written out by hand: the table under test is not the source of what is expected of it. */
const ALLOWED: readonly (readonly [CommandState, CommandEvent, CommandState])[] = [
  ['accepted', 'claim', 'running'],
  ['accepted', 'cancel', 'cancelled'],
  ['running', 'lose', 'accepted'],
  ['running', 'block', 'blocked'],
  ...answered('running'),
  ['scheduled', 'promote', 'accepted'],
  ['scheduled', 'cancel', 'cancelled'],
  ['retrying', 'promote', 'accepted'],
  ['retrying', 'cancel', 'cancelled'],
  ...answered('reconciling'),
  ...answered('pending'),
  ['compensating', 'undone', 'compensated'],
  ['compensating', 'undo', 'compensating'],
  ['compensating', 'exhaust', 'dead'],
  ['blocked', 'unblock', 'retrying'],
  ['blocked', 'cancel', 'cancelled'],
  ['failed', 'redrive', 'retrying'],
  ['failed', 'discard', 'cancelled'],
  ['dead', 'redrive', 'retrying'],
  ['dead', 'redriveDoubt', 'reconciling'],
  ['dead', 'redriveUndo', 'compensating'],
  ['dead', 'discard', 'cancelled'],
  ['cancelled', 'redrive', 'retrying'],
]

function answered(from: CommandState): (readonly [CommandState, CommandEvent, CommandState])[] {
  return [
    [from, 'ok', 'succeeded'],
    [from, 'fail', 'failed'],
    [from, 'retry', 'retrying'],
    [from, 'doubt', 'reconciling'],
    [from, 'pend', 'pending'],
    [from, 'undo', 'compensating'],
    [from, 'exhaust', 'dead'],
  ]
}

const LEAVES_AN_END: readonly CommandEvent[] = ['discard', 'redrive', 'redriveDoubt', 'redriveUndo']

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

  it('lets only a redrive or a discard leave a terminal state', () => {
    for (const state of COMMAND_STATES.filter(isTerminal)) {
      const leaving = EVENTS.filter((event) => transition(state, event) !== null)
      expect(leaving.filter((event) => !LEAVES_AN_END.includes(event))).toEqual([])
    }
    for (const state of ['succeeded', 'compensated'] as const) expect(TRANSITIONS[state]).toEqual({})
  })

  it('leads from every state to a terminal one', () => {
    for (const start of COMMAND_STATES) {
      const seen = new Set<CommandState>([start])
      for (const state of seen) for (const event of EVENTS) seen.add(transition(state, event) ?? state)
      expect([...seen].some(isTerminal)).toBe(true)
    }
  })

  it('names the states a guarded update starts from', () => {
    expect(statesAllowing('cancel')).toEqual(['accepted', 'scheduled', 'retrying', 'blocked'])
    expect(statesAllowing('redrive')).toEqual(['failed', 'dead', 'cancelled'])
    expect(statesAllowing('discard')).toEqual(['failed', 'dead'])
    expect(statesAllowing('undone')).toEqual(['compensating'])
  })
})

describe('a command that a promoted chunk carries', () => {
  it('is accepted or running when it is simply to be run, and keeps its name otherwise', () => {
    expect(STAGES.map((stage) => [carriedState(stage, false), carriedState(stage, true)])).toEqual([
      ['accepted', 'running'],
      ['reconciling', 'reconciling'],
      ['pending', 'pending'],
      ['compensating', 'compensating'],
    ])
  })
})

describe('a redrive', () => {
  it('goes on where a dead command stopped', () => {
    const becomes = STAGES.map((stage) => transition('dead', redriveEvent('dead', stage)))
    expect(becomes).toEqual(['retrying', 'reconciling', 'reconciling', 'compensating'])
  })

  it('runs what was refused or cancelled, whatever was done with it before', () => {
    for (const state of ['failed', 'cancelled'] as const)
      for (const stage of STAGES) expect(transition(state, redriveEvent(state, stage))).toBe('retrying')
  })
})
