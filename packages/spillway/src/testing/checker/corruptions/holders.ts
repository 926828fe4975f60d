// Spoiled leases, attempts, maintenance and accounts: who may work on what, how often, and whether it all adds up.

import type { TypeRule } from '../history.js'
import { ledger, partitioned, retriesAndCrashes } from '../sample-histories.js'
import { chunkIdOf } from '../story.js'
import { A0, adjust, any, C0, type Corruption, change, corrupt, D0, final, isFor } from './spoil.js'

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
  corrupt('I5', 'a chunk is reclaimed under the token it had', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('c')(event) && event.token === 2,
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
  corrupt('I9', 'crashes are counted that never were', () =>
    change(
      retriesAndCrashes(),
      'claimed',
      (event) => isFor('c')(event) && event.token === 3,
      (event) => ({ ...event, expiries: 5 }),
    ),
  ),
  corrupt('I9', 'a third attempt runs where two are allowed', () => {
    const history = retriesAndCrashes()
    const mail = { ...(history.types.mail as TypeRule), attempts: 2 }
    return { ...history, types: { ...history.types, mail } }
  }),
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
    change(ledger(), 'claimed', isFor('e'), (event) => ({ ...event, chunkId: chunkIdOf('d'), token: 2 })),
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
  corrupt('I21', 'a command is counted in a state without being counted', () =>
    change(ledger(), 'accounted', any, (event) => {
      const counts = adjust(event, { ready: 1 })
      const queues = event.queues.map((queue, at) => ({ ...queue, ready: queue.ready + (at === 0 ? 1 : 0) }))
      return { ...event, accounting: counts, listed: counts, queues }
    }),
  ),
  corrupt('I21', 'the listing lacks a command that is counted', () =>
    change(ledger(), 'accounted', any, (event) => ({
      ...event,
      listed: adjust(event, { accepted: -1, succeeded: -1 }),
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

export const HOLDERS_SPOILED: readonly Corruption[] = [
  ...FENCING,
  ...LEASES,
  ...ATTEMPTS,
  ...MAINTENANCE,
  ...ACCOUNTS,
]
