// Spoiled bad days: order, doubts, counterparts, undoing, steps and callbacks.

import { doubtAndAnswer, heldUp, idOf, undoing } from '../sample-bad-days.js'
import { any, type Corruption, change, corrupt, isFor } from './spoil.js'

const A = idOf('a')
const TRIP = idOf('e')

const ORDER: readonly Corruption[] = [
  corrupt('I8', 'a command is run although a dead one holds up its key', () =>
    change(
      heldUp(),
      'controlled',
      ({ verb }) => verb === 'discard',
      () => [],
    ),
  ),
  corrupt('I8', 'two of one key are run in the wrong order', () =>
    change(
      heldUp(),
      'started',
      ({ id }) => id === idOf('b', 0),
      (event) => ({ ...event, id: idOf('b', 1), run: 1 }),
    ),
  ),
  corrupt('I8', 'a command is run while an earlier one of its key waits for its counterpart', () => {
    const history = change(
      heldUp(),
      'controlled',
      ({ verb }) => verb === 'discard',
      () => [],
    )
    return change(history, 'written', isFor('a'), (event) => ({
      ...event,
      updates: event.updates.map((update) => ({ ...update, state: 'pending' })),
    }))
  }),
]

const DOUBTS: readonly Corruption[] = [
  corrupt('I6', 'a command is executed again without being asked about', () =>
    change(
      doubtAndAnswer(),
      'replied',
      ({ reply }) => reply === 'notApplied',
      (event) => ({ ...event, reply: 'stillUnknown' }),
    ),
  ),
  corrupt('I9', 'a command is asked about more often than its type allows', () =>
    change(
      doubtAndAnswer(),
      'started',
      ({ stage }) => stage === 'reconcile',
      (event) => [event, ...[7, 8].map((token) => ({ ...event, token, run: token }))],
    ),
  ),
  corrupt('I9', 'a command is undone more often than its type allows', () =>
    change(
      undoing(),
      'started',
      ({ stage }) => stage === 'compensate',
      (event) => [event, ...[7, 8].map((token) => ({ ...event, token, run: token }))],
    ),
  ),
]

const COUNTERPARTS: readonly Corruption[] = [
  corrupt('I16', 'a token is accepted twice', () =>
    change(
      doubtAndAnswer(),
      'completed',
      ({ verdict }) => verdict === 'ok',
      (event) => [event, event],
    ),
  ),
  corrupt('I16', 'a token is accepted after it has expired', () =>
    change(doubtAndAnswer(), 'written', isFor('d'), (event) => ({
      ...event,
      updates: event.updates.map((update) => ({ ...update, token: { hash: 'h1', expiresInMs: 50 } })),
    })),
  ),
  corrupt('I16', 'a token that nobody waits for is accepted', () =>
    change(
      doubtAndAnswer(),
      'completed',
      ({ hash }) => hash === 'h2',
      (event) => ({ ...event, verdict: 'ok' }),
    ),
  ),
  corrupt('I16', 'a counterpart that answers in time is turned away', () =>
    change(
      doubtAndAnswer(),
      'completed',
      ({ verdict }) => verdict === 'ok',
      (event) => ({ ...event, verdict: 'not_found', after: event.before }),
    ),
  ),
]

const UNDOING: readonly Corruption[] = [
  corrupt('I4', 'a command that was not refused is undone', () =>
    change(
      undoing(),
      'replied',
      ({ reply }) => reply === 'failed',
      (event) => ({ ...event, reply: 'ok' }),
    ),
  ),
  corrupt('I4', 'a command counts as compensated although undoing it failed', () =>
    change(
      undoing(),
      'replied',
      ({ stage, reply }) => stage === 'compensate' && reply === 'ok',
      (event) => ({ ...event, reply: 'exception' }),
    ),
  ),
  corrupt('I4', 'a command is undone before it has failed', () =>
    change(
      undoing(),
      'called',
      ({ id }) => id === A,
      (event) => ({ ...event, stage: 'compensate' }),
    ),
  ),
  corrupt('I6', 'a step on record is done again', () =>
    change(
      undoing(),
      'stepped',
      ({ step, what }) => step === 3 && what === 'done',
      (event) => [{ ...event, step: 1 }, event],
    ),
  ),
  corrupt('I6', 'steps are undone in the order they were done in', () =>
    change(
      undoing(),
      'stepped',
      ({ step, what }) => step === 3 && what === 'undone',
      (event) => ({ ...event, step: 1 }),
    ),
  ),
  corrupt('I6', 'a step is left standing when its command counts as compensated', () =>
    change(
      undoing(),
      'stepped',
      ({ id, step, what }) => id === TRIP && step === 1 && what === 'undone',
      () => [],
    ),
  ),
]

const CALLBACKS: readonly Corruption[] = [
  corrupt('I13', 'an end is told to nobody', () =>
    change(undoing(), 'written', isFor('c'), (event) => ({ ...event, appended: [] })),
  ),
  corrupt('I13', 'a callback is stored with a settlement that came too late', () =>
    change(undoing(), 'written', isFor('c'), (event) => ({ ...event, verdict: 'stale', changes: [] })),
  ),
  corrupt('I13', 'a callback is stored before the end it tells of', () =>
    change(undoing(), 'written', isFor('b'), (event) => ({ ...event, appended: [idOf('d')] })),
  ),
  corrupt('I13', 'a callback is delivered with another body the second time', () =>
    change(doubtAndAnswer(), 'delivered', any, (event) => [event, { ...event, body: '{}' }]),
  ),
  corrupt('I13', 'a callback counts as delivered although nobody took it', () =>
    change(
      doubtAndAnswer(),
      'delivered',
      ({ taken }) => taken,
      (event) => ({ ...event, taken: false }),
    ),
  ),
]

export const BAD_DAYS_SPOILED: readonly Corruption[] = [
  ...ORDER,
  ...DOUBTS,
  ...COUNTERPARTS,
  ...UNDOING,
  ...CALLBACKS,
]
