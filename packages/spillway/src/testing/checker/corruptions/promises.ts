// Spoiled promises to the callers: what was acknowledged, what nobody asked for, what is a repeat, and what is too early.

import type { StoredCommand } from '../history.js'
import { idOf, ledger, openOutcomes, retriesAndCrashes } from '../sample-histories.js'
import { chunkIdOf, payloadOf } from '../story.js'
import {
  A0,
  A1,
  any,
  atTheEnd,
  B0,
  type Corruption,
  change,
  corrupt,
  final,
  first,
  isFor,
  without,
} from './spoil.js'

const ACKNOWLEDGED: readonly Corruption[] = [
  corrupt('I1', 'an acknowledged command is missing at the end', () => without(ledger(), B0)),
  corrupt('I1', 'a command is acknowledged before the store has it', () => {
    const history = ledger()
    const answered = first(history, 'answered', (event) => event.kind === 'answered' && event.op === 5)
    const dropped = change(
      history,
      'answered',
      ({ op }) => op === 5,
      () => [],
    )
    return change(
      dropped,
      'submitted',
      ({ op }) => op === 5,
      (event) => [event, { ...answered, at: event.at }],
    )
  }),
  corrupt('I1', 'an acknowledged command was never stored', () =>
    change(
      openOutcomes(),
      'answered',
      ({ op }) => op === 3,
      (event) => ({ ...event, answer: 'accepted', id: idOf('e', 0) }),
    ),
  ),
  corrupt('I1', 'a reader is told that an acknowledged command does not exist', () =>
    change(
      ledger(),
      'observed',
      ({ id }) => id === A1,
      (event) => ({ ...event, snapshot: null }),
    ),
  ),
  corrupt('I1', 'a live command is pruned', () =>
    change(ledger(), 'pruned', any, (event) => ({
      ...event,
      changes: event.changes.map((one) => ({
        ...one,
        before: one.before && { ...one.before, state: 'running', finishedAt: null },
      })),
    })),
  ),
  corrupt('I1', 'a command is pruned before its retention is over', () =>
    change(ledger(), 'pruned', any, (event) => ({ ...event, retentionMs: 86_400_000 })),
  ),
]

const PHANTOMS: readonly Corruption[] = [
  corrupt('I2', 'a command is stored that nobody submitted', () =>
    change(ledger(), 'appended', isFor('b'), (event) => ({
      ...event,
      commands: [
        ...event.commands,
        { id: idOf('b', 1), payload: payloadOf(99), verdict: 'accepted', dueAt: null },
      ],
    })),
  ),
  corrupt('I2', 'a payload changed on its way to the handler', () =>
    change(
      ledger(),
      'started',
      ({ id }) => id === A0,
      (event) => ({ ...event, payload: payloadOf(2) }),
    ),
  ),
  corrupt('I2', 'a payload is another one in the store at the end', () =>
    atTheEnd(ledger(), B0, { payload: payloadOf(6) }),
  ),
  corrupt('I2', 'a rejected command was stored', () => {
    const history = openOutcomes()
    return final(history, ({ commands }) => ({
      commands: [...commands, { ...(commands[0] as StoredCommand), id: idOf('f', 0), payload: payloadOf(4) }],
    }))
  }),
  corrupt('I2', 'a command is executed that its client never got stored', () =>
    change(
      openOutcomes(),
      'started',
      ({ id }) => id === A0,
      (event) => [event, { ...event, run: 1, id: idOf('f', 0), payload: payloadOf(3) }],
    ),
  ),
  corrupt('I2', 'a handler gets the payload of another command', () =>
    change(
      openOutcomes(),
      'started',
      ({ id }) => id === A0,
      (event) => ({ ...event, payload: payloadOf(3) }),
    ),
  ),
  corrupt('I2', 'a command is stored before anybody submitted it', () =>
    change(
      openOutcomes(),
      'submitted',
      ({ op }) => op === 6,
      (event) => ({ ...event, at: event.at + 10 }),
    ),
  ),
  corrupt('I2', 'a chunk that was sent again is stored twice', () =>
    change(ledger(), 'appended', isFor('d'), (event) => [
      event,
      {
        ...event,
        chunkId: chunkIdOf('f'),
        commands: event.commands.map((command, index) => ({ ...command, id: idOf('f', index) })),
      },
    ]),
  ),
  corrupt('I2', 'a duplicate is executed under an id of its own', () =>
    change(
      ledger(),
      'started',
      ({ id }) => id === A0,
      (event) => [event, { ...event, run: 1, id: idOf('a', 2) }],
    ),
  ),
]

const KEYS: readonly Corruption[] = [
  corrupt('I3', 'one key is accepted twice', () =>
    change(
      ledger(),
      'answered',
      ({ op }) => op === 3,
      (event) => ({ ...event, answer: 'accepted', id: idOf('a', 2) }),
    ),
  ),
  corrupt('I3', 'a key is stored twice within its window', () =>
    change(ledger(), 'appended', isFor('a'), (event) => ({
      ...event,
      commands: event.commands.map((command, index) =>
        index === 2 ? { ...command, verdict: 'accepted' as const } : command,
      ),
    })),
  ),
  corrupt('I3', 'another payload is answered as a duplicate', () =>
    change(
      ledger(),
      'answered',
      ({ op }) => op === 4,
      (event) => ({ ...event, answer: 'duplicate', code: null }),
    ),
  ),
  corrupt('I3', 'a repeat is answered with the id of another command', () =>
    change(
      ledger(),
      'answered',
      ({ op }) => op === 3,
      (event) => ({ ...event, id: A1 }),
    ),
  ),
  corrupt('I3', 'a repeat is refused as a conflict', () => {
    const alone = change(
      ledger(),
      'submitted',
      ({ op }) => op === 4,
      (event) => ({ ...event, key: null }),
    )
    return change(
      alone,
      'answered',
      ({ op }) => op === 3,
      (event) => ({ ...event, answer: 'rejected', code: 'idempotency_conflict' }),
    )
  }),
  corrupt('I3', 'a key is used anew before its window is over', () =>
    change(
      openOutcomes(),
      'submitted',
      ({ op }) => op === 6,
      (event) => ({ ...event, windowMs: 86_400_000 }),
    ),
  ),
]

const TIMES: readonly Corruption[] = [
  corrupt('I10', 'a scheduled command is promoted early', () =>
    change(ledger(), 'promoted', any, (event) => ({ ...event, at: 2_500 })),
  ),
  corrupt('I10', 'a scheduled command runs before its time', () =>
    change(
      ledger(),
      'submitted',
      ({ op }) => op === 5,
      (event) => ({ ...event, runAt: 3_500 }),
    ),
  ),
  corrupt('I10', 'a row is promoted before the time that is written in it', () =>
    change(ledger(), 'promoted', any, (event) => ({
      ...event,
      changes: event.changes.map((one) => ({
        ...one,
        before: one.before && { ...one.before, nextAt: event.at + 100 },
      })),
    })),
  ),
  corrupt('I10', 'a retry runs before its delay has passed', () =>
    change(retriesAndCrashes(), 'written', isFor('a'), (event) => ({
      ...event,
      updates: event.updates.map((update) => ({ ...update, delayMs: 500 })),
    })),
  ),
]

export const PROMISES_SPOILED: readonly Corruption[] = [...ACKNOWLEDGED, ...PHANTOMS, ...KEYS, ...TIMES]
