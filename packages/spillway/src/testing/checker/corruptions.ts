// Valid histories, each spoiled in one way that some invariant must notice.

import type { Accounted, FinalDump, History, HistoryEvent, StoredCommand } from './history.js'
import { idOf, ledger, openOutcomes, partitioned, retriesAndCrashes } from './sample-histories.js'
import { chunkIdOf, payloadOf } from './story.js'
import type { Invariant } from './violation.js'

export interface Corruption {
  readonly invariant: Invariant
  readonly what: string
  spoil(): History
}

type Kind = HistoryEvent['kind']
type Of<K extends Kind> = Extract<HistoryEvent, { kind: K }>

const A0 = idOf('a', 0)
const A1 = idOf('a', 1)
const B0 = idOf('b', 0)
const C0 = idOf('c', 0)
const D0 = idOf('d', 0)
const D1 = idOf('d', 1)

/** Replaces the first event of the kind that fits; an empty list drops it, several insert. */
function change<K extends Kind>(
  history: History,
  kind: K,
  fits: (event: Of<K>) => boolean,
  replace: (event: Of<K>) => HistoryEvent | readonly HistoryEvent[],
): History {
  const at = history.events.findIndex((event) => event.kind === kind && fits(event as Of<K>))
  if (at < 0) throw new Error(`the sample history has no such ${kind} event`)
  const events = [...history.events]
  events.splice(at, 1, ...[replace(events[at] as Of<K>)].flat())
  return { ...history, events }
}

function final(history: History, patch: (dump: FinalDump) => Partial<FinalDump>): History {
  return { ...history, final: { ...history.final, ...patch(history.final) } }
}

function atTheEnd(history: History, id: string, patch: Partial<StoredCommand>): History {
  return final(history, ({ commands }) => ({
    commands: commands.map((command) => (command.id === id ? { ...command, ...patch } : command)),
  }))
}

function without(history: History, id: string): History {
  return final(history, ({ commands }) => ({ commands: commands.filter((command) => command.id !== id) }))
}

function first(
  history: History,
  kind: Kind,
  fits: (event: HistoryEvent) => boolean = () => true,
): HistoryEvent {
  return history.events.find((event) => event.kind === kind && fits(event)) as HistoryEvent
}

function adjust(
  event: Accounted,
  by: Partial<Record<keyof Accounted['accounting'], number>>,
): Accounted['accounting'] {
  const counts = { ...event.accounting }
  for (const [state, delta] of Object.entries(by)) counts[state as keyof typeof counts] += delta
  return counts
}

const isFor = (chunk: string) => (event: { chunkId: string }) => event.chunkId === chunkIdOf(chunk)
const any = () => true

function corrupt(invariant: Invariant, what: string, spoil: () => History): Corruption {
  return { invariant, what, spoil }
}

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
        index === 2 ? { ...command, verdict: 'accepted' } : command,
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

const FENCING: readonly Corruption[] = [
  corrupt('I5', 'a token is used twice', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('b')(event) && event.token === 2,
      (event) => ({ ...event, token: 1 }),
    ),
  ),
  corrupt('I5', 'a token goes back', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('c')(event) && event.token === 3,
      (event) => ({ ...event, token: 1 }),
    ),
  ),
  corrupt('I5', 'a late settle is accepted', () =>
    change(
      retriesAndCrashes(),
      'written',
      ({ verdict }) => verdict === 'stale',
      (event) => ({ ...event, verdict: 'ok' }),
    ),
  ),
  corrupt('I5', 'a stale settle changes a command', () =>
    change(
      retriesAndCrashes(),
      'written',
      ({ verdict }) => verdict === 'stale',
      (event) => ({
        ...event,
        changes: [
          {
            id: A0,
            before: { id: A0, state: 'running', attempts: 1, generation: 0, nextAt: null, finishedAt: null },
            after: null,
          },
        ],
      }),
    ),
  ),
  corrupt('I5', 'a valid lease is called stale', () =>
    change(ledger(), 'written', isFor('a'), (event) => ({ ...event, verdict: 'stale', changes: [] })),
  ),
  corrupt('I5', 'a chunk is settled twice', () =>
    change(ledger(), 'written', isFor('d'), (event) => [event, { ...event, changes: [] }]),
  ),
  corrupt('I5', 'a lease that was given back can still settle', () =>
    change(
      partitioned(),
      'written',
      ({ release }) => release,
      (event) => [event, { ...event, verb: 'settle', release: false, changes: [] }],
    ),
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
  corrupt('I6', 'one execution had two effects', () =>
    change(ledger(), 'effect', any, (event) => [event, event]),
  ),
]

const LEASES: readonly Corruption[] = [
  corrupt('I7', 'a chunk is claimed while its lease is live', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('c')(event) && event.token === 2,
      (event) => ({ ...event, leaseMs: 60_000 }),
    ),
  ),
  corrupt('I7', 'an extended lease is taken over too early', () =>
    change(
      retriesAndCrashes(),
      'written',
      ({ verb, chunkId }) => verb === 'extend' && chunkId === chunkIdOf('b'),
      (event) => ({
        ...event,
        leaseMs: 60_000,
      }),
    ),
  ),
  corrupt('I7', 'two chunks of one partition are leased at once', () =>
    change(partitioned(), 'claimed', isFor('a'), (event) => [
      event,
      { ...event, chunkId: chunkIdOf('f'), commands: [] },
    ]),
  ),
  corrupt('I7', 'a paused queue is claimed from', () =>
    change(
      ledger(),
      'paused',
      ({ paused }) => !paused,
      () => [],
    ),
  ),
  corrupt('I7', 'a worker runs more handler calls at once than its queue allows', () =>
    change(
      ledger(),
      'ended',
      ({ id }) => id === A0,
      () => [],
    ),
  ),
]

const ATTEMPTS: readonly Corruption[] = [
  corrupt('I9', 'an expired lease is not counted as an attempt', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('b')(event) && event.token === 2,
      (event) => ({ ...event, expiries: 0 }),
    ),
  ),
  corrupt('I9', 'giving back counts as a crash', () =>
    change(
      partitioned(),
      'claimed',
      (event) => isFor('a')(event) && event.token === 2,
      (event) => ({ ...event, expiries: 1 }),
    ),
  ),
  corrupt('I9', 'a command runs more often than its policy allows', () =>
    change(
      retriesAndCrashes(),
      'started',
      ({ attempt }) => attempt === 3,
      (event) => ({ ...event, attempt: 4 }),
    ),
  ),
  corrupt('I9', 'a crash is left out of the number of the attempt', () =>
    change(
      retriesAndCrashes(),
      'started',
      ({ attempt }) => attempt === 3,
      (event) => ({ ...event, attempt: 2 }),
    ),
  ),
  corrupt('I9', 'one attempt runs twice', () =>
    change(
      ledger(),
      'started',
      ({ id }) => id === A0,
      (event) => [event, { ...event, run: 1 }],
    ),
  ),
  corrupt('I9', 'a command is retried although its attempts are used up', () =>
    change(retriesAndCrashes(), 'written', isFor('a'), (event) => ({
      ...event,
      updates: event.updates.map((update) => ({ ...update, attempts: 3 })),
    })),
  ),
  corrupt('I9', 'a dead command is in two places', () =>
    final(retriesAndCrashes(), ({ commands }) => ({
      commands: [...commands, ...commands.filter(({ id }) => id === C0)],
    })),
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
  corrupt('I10', 'a retry runs before its delay has passed', () =>
    change(retriesAndCrashes(), 'written', isFor('a'), (event) => ({
      ...event,
      updates: event.updates.map((update) => ({ ...update, delayMs: 500 })),
    })),
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
  ),
]

const MAINTENANCE: readonly Corruption[] = [
  corrupt('I17', 'two maintainers promote the same row', () =>
    change(ledger(), 'promoted', any, (event) => [event, { ...event, changes: [] }]),
  ),
  corrupt('I17', 'a promoted command is in two chunks', () =>
    change(ledger(), 'claimed', isFor('c'), (event) => [event, { ...event, chunkId: chunkIdOf('f') }]),
  ),
  corrupt('I17', 'a running command is promoted', () =>
    change(ledger(), 'promoted', any, (event) => ({
      ...event,
      changes: event.changes.map((one) => ({
        ...one,
        before: one.before && { ...one.before, state: 'running' },
      })),
    })),
  ),
  corrupt('I17', 'a parked command is claimed in its first chunk', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('b')(event) && event.token === 1,
      (event) => ({
        ...event,
        chunkId: chunkIdOf('a'),
        token: 2,
      }),
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

const ACCOUNTS: readonly Corruption[] = [
  corrupt('I21', 'the states do not add up', () =>
    change(ledger(), 'accounted', any, (event) => ({ ...event, accounting: adjust(event, { accepted: 1 }) })),
  ),
  corrupt('I21', 'a count disagrees with the listing', () =>
    change(ledger(), 'accounted', any, (event) => ({
      ...event,
      accounting: adjust(event, { succeeded: -1, ready: 1 }),
    })),
  ),
  corrupt('I21', 'the queues disagree with the accounting', () =>
    change(ledger(), 'accounted', any, (event) => ({
      ...event,
      queues: event.queues.map((queue) => ({ ...queue, dead: 1 })),
    })),
  ),
  corrupt('I21', 'a command vanishes from every count', () =>
    change(ledger(), 'accounted', any, (event) => {
      const counts = adjust(event, { accepted: -1, succeeded: -1 })
      return { ...event, accounting: counts, listed: counts }
    }),
  ),
  corrupt('I21', 'a command is listed twice', () =>
    final(ledger(), ({ commands }) => ({
      commands: [...commands, ...commands.filter(({ id }) => id === D0)],
    })),
  ),
]

export const corruptions: readonly Corruption[] = [
  ...ACKNOWLEDGED,
  ...PHANTOMS,
  ...KEYS,
  ...TRANSITIONS,
  ...FENCING,
  ...EFFECTS,
  ...LEASES,
  ...ATTEMPTS,
  ...TIMES,
  ...CANCELS,
  ...MAINTENANCE,
  ...ENDS,
  ...ACCOUNTS,
]
