// Spoiled histories of chunks that are stored as settled together with their rows.

import type { Claimed } from '../history.js'
import { settledAtOnce } from '../sample-histories.js'
import { chunkIdOf, payloadOf } from '../story.js'
import { A0, B0, type Corruption, change, corrupt, final, isFor, without } from './spoil.js'

const LEASED: Omit<Claimed, 'at' | 'chunkId' | 'commands'> = {
  ...{ kind: 'claimed', worker: 'w1#1', token: 1, queue: 'rows', type: 'row', partition: null },
  ...{ leaseMs: 1_000, expiries: 0, promoted: false },
}

export const AT_ONCE_SPOILED: readonly Corruption[] = [
  corrupt('I1', 'what was settled at once is gone', () => without(settledAtOnce(), B0)),
  corrupt('I2', 'nobody asked for what was settled at once', () =>
    change(
      settledAtOnce(),
      'submitted',
      ({ op }) => op === 3,
      () => [],
    ),
  ),
  corrupt('I4', 'what was settled at once is claimed', () =>
    change(settledAtOnce(), 'appended', isFor('a'), (event) => [
      event,
      { ...LEASED, at: event.at, chunkId: event.chunkId, commands: [{ index: 0, id: A0, attempts: 0 }] },
    ]),
  ),
  corrupt('I4', 'a chunk is settled at once although it was stored before', () =>
    change(settledAtOnce(), 'appended', isFor('b'), (event) => [event, { ...event }]),
  ),
  corrupt('I4', 'what was settled at once waits for a reader', () =>
    change(
      settledAtOnce(),
      'observed',
      () => true,
      (event) => ({ ...event, snapshot: event.snapshot && { ...event.snapshot, state: 'accepted' } }),
    ),
  ),
  corrupt('I6', 'a row of what was settled at once is missing', () =>
    final(settledAtOnce(), ({ sinkRows }) => ({ sinkRows: sinkRows.slice(1) })),
  ),
  corrupt('I6', 'a row is there twice', () =>
    final(settledAtOnce(), ({ sinkRows }) => ({ sinkRows: [...sinkRows, payloadOf(3)] })),
  ),
  corrupt('I6', 'a row is nobody’s', () =>
    final(settledAtOnce(), ({ sinkRows }) => ({ sinkRows: [...sinkRows, payloadOf(4)] })),
  ),
  corrupt('I7', 'a chunk is settled at once while its queue is paused', () =>
    change(
      settledAtOnce(),
      'paused',
      ({ paused }) => !paused,
      () => [],
    ),
  ),
  corrupt('I21', 'what was settled at once is not counted', () =>
    change(
      settledAtOnce(),
      'appended',
      ({ chunkId }) => chunkId === chunkIdOf('a'),
      () => [],
    ),
  ),
]
