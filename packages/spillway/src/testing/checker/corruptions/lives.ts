// Spoiled lives of commands: their states, their effects, their cancels and their ends.

import { idOf, ledger, retriesAndCrashes } from '../sample-histories.js'
import { payloadOf } from '../story.js'
import {
  A0,
  A1,
  any,
  atTheEnd,
  B0,
  C0,
  type Corruption,
  change,
  corrupt,
  D0,
  D1,
  final,
  isFor,
} from './spoil.js'

const TRANSITIONS: readonly Corruption[] = [
  corrupt('I4', 'a command that succeeded is running again for a reader', () =>
    change(ledger(), 'accounted', any, (event) => [
      event,
      {
        kind: 'observed',
        at: event.at,
        id: A0,
        snapshot: { id: A0, state: 'running', attempts: 1, generation: 0, nextAt: null, finishedAt: null },
      },
    ]),
  ),
  corrupt('I4', 'a dead command shows as succeeded at the end', () =>
    atTheEnd(retriesAndCrashes(), C0, { state: 'succeeded' }),
  ),
  corrupt('I4', 'a settlement drops the retry it was answered ok for', () =>
    change(retriesAndCrashes(), 'written', isFor('a'), (event) => ({
      ...event,
      changes: event.changes.map((one) => ({
        ...one,
        after: one.after && { ...one.after, state: 'succeeded' },
      })),
    })),
  ),
  corrupt('I4', 'a completed chunk leaves a command running', () =>
    change(ledger(), 'written', isFor('a'), (event) => ({ ...event, changes: event.changes.slice(1) })),
  ),
  corrupt('I4', 'a settlement ends a command that nobody was running', () =>
    change(ledger(), 'written', isFor('e'), (event) => ({
      ...event,
      changes: event.changes.map((one) => ({
        ...one,
        before: one.before && { ...one.before, state: 'accepted' },
      })),
    })),
  ),
  corrupt('I4', 'a generation falls back', () => atTheEnd(ledger(), D1, { generation: 0 })),
  corrupt('I4', 'a redrive opens no new generation', () =>
    change(
      ledger(),
      'controlled',
      ({ id, verb, verdict }) => id === D1 && verb === 'redrive' && verdict === 'ok',
      (event) => ({
        ...event,
        after: event.after && { ...event.after, generation: 0 },
      }),
    ),
  ),
  corrupt('I4', 'a command changes outside any operation', () =>
    change(ledger(), 'accounted', any, (event) => ({
      ...event,
      drift: [
        {
          id: A0,
          before: { id: A0, state: 'succeeded', attempts: 1, generation: 0, nextAt: null, finishedAt: 1 },
          after: null,
        },
      ],
    })),
  ),
  corrupt('I4', 'a refused cancel changed the command', () =>
    change(
      ledger(),
      'controlled',
      ({ verdict }) => verdict === 'conflict',
      (event) => ({
        ...event,
        after: event.after && { ...event.after, state: 'cancelled' },
      }),
    ),
  ),
  corrupt('I4', 'a finished command is claimed to run again', () =>
    change(ledger(), 'claimed', isFor('d'), (event) => [
      event,
      { ...event, token: 2, commands: [{ index: 0, id: A0, attempts: 0 }] },
    ]),
  ),
]

const EFFECTS: readonly Corruption[] = [
  corrupt('I6', 'a transaction committed its effect twice', () =>
    final(ledger(), ({ transactionEffects }) => ({ transactionEffects: [...transactionEffects, B0] })),
  ),
  corrupt('I6', 'a transaction settled without its effect', () =>
    final(ledger(), () => ({ transactionEffects: [] })),
  ),
  corrupt('I6', 'a dead command left its effect', () =>
    final(retriesAndCrashes(), ({ transactionEffects }) => ({
      transactionEffects: [...transactionEffects, C0],
    })),
  ),
  corrupt('I6', 'an effect belongs to nothing in the store', () =>
    final(ledger(), ({ transactionEffects }) => ({
      transactionEffects: [...transactionEffects, idOf('f', 7)],
    })),
  ),
  corrupt('I6', 'a row is missing from the sink', () => final(ledger(), () => ({ sinkRows: [] }))),
  corrupt('I6', 'a failed command left its row', () =>
    final(ledger(), ({ sinkRows }) => ({ sinkRows: [...sinkRows, payloadOf(7)] })),
  ),
  corrupt('I6', 'a row is in the sink twice', () =>
    final(ledger(), ({ sinkRows }) => ({ sinkRows: [...sinkRows, ...sinkRows] })),
  ),
  corrupt('I6', 'a command succeeded without any effect', () =>
    change(
      ledger(),
      'effect',
      ({ id }) => id === A1,
      () => [],
    ),
  ),
  corrupt('I6', 'a command is kept with a result of nobody', () =>
    atTheEnd(ledger(), B0, { result: '"made up"' }),
  ),
  corrupt('I6', 'the result of a command is lost', () => atTheEnd(ledger(), B0, { result: null })),
  corrupt('I6', 'one execution had two effects', () =>
    change(ledger(), 'effect', any, (event) => [event, event]),
  ),
]

const CANCELS: readonly Corruption[] = [
  corrupt('I16', 'a running command is cancelled', () =>
    change(
      ledger(),
      'controlled',
      ({ verdict }) => verdict === 'conflict',
      (event) => ({ ...event, verdict: 'ok' }),
    ),
  ),
  corrupt('I16', 'a cancel that won is claimed to run all the same', () =>
    change(ledger(), 'claimed', isFor('d'), (event) => ({
      ...event,
      commands: [...event.commands, { index: 1, id: D1, attempts: 0 }],
    })),
  ),
  corrupt('I16', 'a command that succeeded is claimed to run again', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('c')(event) && event.token === 2,
      (event) => ({ ...event, commands: [...event.commands, { index: 1, id: idOf('c', 1), attempts: 0 }] }),
    ),
  ),
  corrupt('I16', 'a command is completed whose cancel had won', () => {
    const history = change(ledger(), 'claimed', isFor('e'), () => [])
    return change(history, 'written', isFor('d'), (event) => ({ ...event, finished: [D1] }))
  }),
  corrupt('I16', 'a cancel of a running command is answered as if there were none', () =>
    change(
      ledger(),
      'controlled',
      ({ verdict }) => verdict === 'conflict',
      (event) => ({ ...event, verdict: 'not_found' }),
    ),
  ),
  corrupt('I16', 'a cancelled command shows as succeeded', () =>
    change(
      ledger(),
      'observed',
      ({ id }) => id === D1,
      (event) => ({
        ...event,
        snapshot: event.snapshot && { ...event.snapshot, state: 'succeeded' },
      }),
    ),
  ),
  corrupt('I16', 'a cancel is refused without a reason', () =>
    change(
      ledger(),
      'controlled',
      ({ verb, verdict }) => verb === 'cancel' && verdict === 'ok',
      (event) => ({
        ...event,
        verdict: 'conflict',
        after: event.before,
      }),
    ),
  ),
  corrupt('I16', 'a cancel takes a command that had succeeded in a chunk still held', () =>
    atTheEnd(
      change(
        retriesAndCrashes(),
        'started',
        ({ id }) => id === idOf('c', 1),
        (event) => [
          event,
          {
            ...{ kind: 'controlled', at: event.at, verb: 'cancel', id: event.id, verdict: 'ok' },
            before: {
              id: event.id,
              state: 'accepted',
              attempts: 0,
              generation: 0,
              nextAt: null,
              finishedAt: null,
            },
            after: {
              id: event.id,
              state: 'cancelled',
              attempts: 0,
              generation: 0,
              nextAt: null,
              finishedAt: event.at,
            },
          },
        ],
      ),
      idOf('c', 1),
      { state: 'cancelled' },
    ),
  ),
]

const ENDS: readonly Corruption[] = [
  corrupt('I18', 'a command is still waiting long after the last fault', () =>
    atTheEnd(ledger(), D0, { state: 'retrying', finishedAt: null }),
  ),
  corrupt('I18', 'a hung handler held its command beyond the bound', () =>
    atTheEnd(ledger(), D0, { finishedAt: 30_000 }),
  ),
]

export const LIVES_SPOILED: readonly Corruption[] = [...TRANSITIONS, ...EFFECTS, ...CANCELS, ...ENDS]
