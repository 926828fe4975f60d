// Valid histories of bad days: what may follow when a command does not simply succeed, and in which order.

import { commandId } from '../../domain/index.js'
import type { History, QueueRule, TypeRule } from './history.js'
import { CALLBACK_TYPE, chunkIdOf, payloadOf, Story } from './story.js'

const TYPES: Readonly<Record<string, TypeRule>> = {
  letter: {
    ...{
      queue: 'letters',
      attempts: 3,
      effects: 'plain',
      hungAfterMs: 10_000,
      tells: ['succeeded', 'failed', 'compensated'],
    },
    badDays: { reconciliations: 2, compensations: 2, undoneAsWhole: true, undoneWhenDead: false },
  },
  trip: {
    ...{ queue: 'letters', attempts: 3, effects: 'plain', hungAfterMs: 10_000 },
    badDays: { reconciliations: null, compensations: 2, undoneAsWhole: false, undoneWhenDead: false },
  },
  step: { queue: 'steps', attempts: 3, effects: 'plain', hungAfterMs: 10_000 },
  [CALLBACK_TYPE]: { queue: 'callbacks', attempts: 3, effects: 'callback', hungAfterMs: 10_000 },
}
const QUEUES: Readonly<Record<string, QueueRule>> = {
  letters: { concurrency: 2 },
  steps: { concurrency: 2, onDead: 'block' },
  callbacks: { concurrency: 2 },
}

const [w1, w2] = ['w1#1', 'w2#1']
const LETTER = { type: 'letter', worker: w1 } as const

export const idOf = (chunk: string, index = 0): string => commandId(chunkIdOf(chunk), index)

/** Nobody knows whether it happened; it is asked about twice, executed again, and waits for its counterpart. */
export function doubtAndAnswer(): History {
  const story = begin('letter', 'a', 1)
  const id = idOf('a')
  story.claim({ ...LETTER, chunk: 'a', token: 1, ids: [id] })
  story.call(id, 'execute', 'exception')
  story.run({ id, chunk: 'a', token: 1, worker: w1, attempt: 1, state: 'reconciling' })
  settle(story, 'a', id, { state: 'reconciling', attempts: 1, delayMs: 100, error: 'x' })
  ask(story, 'b', id, 'stillUnknown', 'reconciling')
  ask(story, 'c', id, 'notApplied', 'retrying')
  story.promote([id])
  story.claim({ ...LETTER, chunk: 'd', token: 1, ids: [id], promoted: true, attempts: 1 })
  story.call(id, 'execute', 'pending')
  story.run({ id, chunk: 'd', token: 1, worker: w1, attempt: 2, state: 'pending' })
  settle(story, 'd', id, {
    ...{ state: 'pending', attempts: 2, delayMs: 500, error: null },
    token: { hash: 'h1', expiresInMs: 500 },
  })
  story.later(100)
  story.complete('h2', id, 'not_found')
  story.complete('h1', id, 'ok', 'reconciling')
  story.complete('h1', id, 'not_found')
  ask(story, 'e', id, 'applied', 'succeeded', [{ chunk: 'f', id, state: 'succeeded' }])
  story.deliver('f', false)
  story.deliver('f', true)
  story.claim({ type: CALLBACK_TYPE, worker: w2, chunk: 'f', token: 1, ids: [idOf('f')] })
  story.run({ id: idOf('f'), chunk: 'f', token: 1, worker: w2, attempt: 1 })
  story.write({ chunk: 'f', token: 1, worker: w2, complete: true, rest: [idOf('f')] })
  story.account()
  return withEffect(story.end(), id)
}

/** Refused, and undone at the second try; and another one step by step. */
export function undoing(): History {
  const story = begin('letter', 'a', 1)
  const id = idOf('a')
  story.claim({ ...LETTER, chunk: 'a', token: 1, ids: [id] })
  story.call(id, 'execute', 'failed')
  story.run({ id, chunk: 'a', token: 1, worker: w1, attempt: 1, state: 'compensating' })
  settle(story, 'a', id, { state: 'compensating', attempts: 1, delayMs: 0, error: 'failed' })
  undo(story, 'b', id, 'exception', 'compensating')
  undo(story, 'c', id, 'ok', 'compensated', [{ chunk: 'd', id, state: 'compensated' }])
  story.deliver('d', true)

  const trip = idOf('e')
  story.submit({ op: 2, type: 'trip', n: 2 })
  story.append('e', 'trip', [{ n: 2 }])
  story.answer(2, 'accepted', trip)
  story.claim({ type: 'trip', worker: w1, chunk: 'e', token: 1, ids: [trip] })
  story.call(trip, 'execute', null)
  story.step(trip, 1, 'done', 'recorded')
  story.step(trip, 2, 'done', 'recorded')
  story.later(1_001)
  story.claim({ type: 'trip', worker: w2, chunk: 'e', token: 2, ids: [trip], expiries: 1 })
  story.call(trip, 'execute', null)
  story.step(trip, 1, 'recorded')
  story.step(trip, 3, 'done', 'recorded')
  story.run({ id: trip, chunk: 'e', token: 2, worker: w2, attempt: 2, state: 'compensating' })
  story.write({
    ...{ chunk: 'e', token: 2, worker: w2, complete: true },
    updates: [{ id: trip, state: 'compensating', attempts: 2, delayMs: 0, error: 'failed' }],
  })
  story.claim({
    type: 'trip',
    worker: w2,
    chunk: 'f',
    token: 1,
    ids: [trip],
    promoted: true,
    stage: 'compensate',
  })
  for (const step of [3, 2, 1]) story.step(trip, step, 'undone')
  story.run({
    id: trip,
    chunk: 'f',
    token: 1,
    worker: w2,
    attempt: 2,
    state: 'compensated',
    stage: 'compensate',
  })
  story.write({
    ...{ chunk: 'f', token: 1, worker: w2, complete: true },
    updates: [{ id: trip, state: 'compensated', attempts: 2, delayMs: 0, error: 'failed' }],
  })
  story.account()
  return replied(story.end(), trip)
}

/** Three of one key: the first dies and holds up the others until it is discarded. */
export function heldUp(): History {
  const story = new Story(TYPES, QUEUES)
  const [first, second, third] = [idOf('a'), idOf('b', 0), idOf('b', 1)] as const
  for (const n of [1, 2, 3]) story.submit({ op: n, type: 'step', n })
  story.append('a', 'step', [{ n: 1, orderingKey: 'k' }])
  story.later(1)
  story.append('b', 'step', [
    { n: 2, orderingKey: 'k' },
    { n: 3, orderingKey: 'k' },
  ])
  for (const [at, id] of [first, second, third].entries()) story.answer(at + 1, 'accepted', id)
  const step = { type: 'step', worker: w1, partition: 1, token: 1 } as const
  story.claim({ ...step, chunk: 'a', ids: [first] })
  story.run({ id: first, chunk: 'a', token: 1, worker: w1, attempt: 1, state: 'dead' })
  settle(story, 'a', first, { state: 'dead', attempts: 1, delayMs: 0, error: 'x' })
  story.claim({ ...step, chunk: 'b', ids: [second, third] })
  story.write({
    ...{ chunk: 'b', token: 1, worker: w1, complete: true },
    updates: [second, third].map((id) => ({ id, state: 'blocked', attempts: 0, delayMs: 0, error: null })),
  })
  story.later(10)
  story.control('discard', first, 'ok')
  story.promote([second, third])
  story.claim({ ...step, chunk: 'c', ids: [second, third], promoted: true })
  for (const id of [second, third]) story.run({ id, chunk: 'c', token: 1, worker: w1, attempt: 1 })
  story.write({ chunk: 'c', token: 1, worker: w1, complete: true, rest: [second, third] })
  story.account()
  return story.end()
}

function begin(type: string, chunk: string, n: number): Story {
  const story = new Story(TYPES, QUEUES)
  story.submit({ op: n, type, n })
  story.append(chunk, type, [{ n }])
  story.answer(n, 'accepted', idOf(chunk))
  return story
}

type Update = Parameters<Story['write']>[0]['updates'] extends readonly (infer One)[] | undefined
  ? Omit<One & object, 'id'>
  : never
type Brings = NonNullable<Parameters<Story['write']>[0]['brings']>

function settle(story: Story, chunk: string, id: string, update: Update, brings: Brings = []): void {
  story.write({ chunk, token: 1, worker: w1, complete: true, updates: [{ id, ...update } as never], brings })
}

function ask(
  story: Story,
  chunk: string,
  id: string,
  reply: 'stillUnknown' | 'applied' | 'notApplied',
  state: 'reconciling' | 'retrying' | 'succeeded',
  brings: Brings = [],
): void {
  turn(story, chunk, id, 'reconcile', reply, state, brings)
}

function undo(
  story: Story,
  chunk: string,
  id: string,
  reply: 'ok' | 'exception',
  state: 'compensating' | 'compensated',
  brings: Brings = [],
): void {
  turn(story, chunk, id, 'compensate', reply, state, brings)
}

function turn(
  story: Story,
  chunk: string,
  id: string,
  stage: 'reconcile' | 'compensate',
  reply: Parameters<Story['call']>[2],
  state: Update['state'],
  brings: Brings,
): void {
  story.later(100)
  story.promote([], 1)
  story.claim({ ...LETTER, chunk, token: 1, ids: [id], promoted: true, stage })
  story.call(id, stage, reply)
  story.run({ id, chunk, token: 1, worker: w1, attempt: 1, state, stage })
  settle(story, chunk, id, { state, attempts: 1, delayMs: 0, error: null }, brings)
}

/** What a counterpart did when it was asked to do it later. */
function withEffect(history: History, id: string): History {
  const at = history.events.findIndex(({ kind }) => kind === 'completed')
  const effect = { kind: 'effect', at: history.events[at]?.at ?? 0, id, payload: payloadOf(1) } as const
  return { ...history, events: history.events.toSpliced(at, 0, effect) }
}

/** The second call of a handler that did its steps says that the command is refused. */
function replied(history: History, id: string): History {
  const at = history.events.findLastIndex((event) => event.kind === 'called' && event.id === id)
  const called = history.events[at]
  if (called?.kind !== 'called') throw new Error('the sample history has no such call')
  const end = history.events.findIndex(
    (event, index) => index > at && event.kind === 'started' && event.id === id,
  )
  const reply = {
    kind: 'replied',
    at: called.at,
    call: called.call,
    id,
    stage: 'execute',
    reply: 'failed',
  } as const
  return { ...history, events: history.events.toSpliced(end, 0, reply) }
}
