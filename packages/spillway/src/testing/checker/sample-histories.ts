// Valid histories for the checker's own tests. Together they hold everything a corruption needs to spoil.

import { commandId } from '../../domain/index.js'
import type { History, QueueRule, TypeRule } from './history.js'
import { chunkIdOf, Story } from './story.js'

const TYPES: Readonly<Record<string, TypeRule>> = {
  mail: { queue: 'singles', attempts: 3, effects: 'plain', hungAfterMs: 10_000 },
  order: { queue: 'bulk', attempts: 3, effects: 'transaction', hungAfterMs: 10_000 },
  row: { queue: 'rows', attempts: 3, effects: 'sink', hungAfterMs: 10_000 },
  step: { queue: 'steps', attempts: 3, effects: 'plain', hungAfterMs: 10_000 },
}
const QUEUES: Readonly<Record<string, QueueRule>> = {
  singles: { concurrency: 1 },
  bulk: { concurrency: 2 },
  rows: { concurrency: 2 },
  steps: { concurrency: 2 },
}

export function idOf(chunk: string, index: number): string {
  return commandId(chunkIdOf(chunk), index)
}

const [w1, w2] = ['w1#1', 'w2#1']

/** Keys, conflicts, schedules, cancels, redrives, pauses, pruning: every kind of effect. */
export function ledger(): History {
  const story = new Story(TYPES, QUEUES)
  story.submit({ op: 1, type: 'mail', n: 1, key: 'k' })
  story.submit({ op: 2, type: 'mail', n: 2 })
  story.submit({ op: 3, type: 'mail', n: 1, key: 'k' })
  story.submit({ op: 4, type: 'mail', n: 4, key: 'k' })
  story.append('a', 'mail', [
    { n: 1 },
    { n: 2 },
    { n: 1, verdict: 'duplicate' },
    { n: 4, verdict: 'conflict' },
  ])
  story.later(1)
  story.answer(1, 'accepted', idOf('a', 0))
  story.answer(2, 'accepted', idOf('a', 1))
  story.answer(3, 'duplicate', idOf('a', 0))
  story.answer(4, 'rejected', idOf('a', 0), 'idempotency_conflict')
  story.look(idOf('a', 1))
  story.claim({ chunk: 'a', type: 'mail', token: 1, worker: w1, ids: [idOf('a', 0), idOf('a', 1)] })
  story.run({ id: idOf('a', 0), chunk: 'a', token: 1, worker: w1, attempt: 1 })
  story.control('cancel', idOf('a', 1), 'conflict')
  story.run({ id: idOf('a', 1), chunk: 'a', token: 1, worker: w1, attempt: 1 })
  story.write({ chunk: 'a', token: 1, worker: w1, complete: true, rest: [idOf('a', 0), idOf('a', 1)] })
  story.account()

  story.submit({ op: 5, type: 'order', n: 5, runAt: 3_000 })
  story.append('b', 'order', [{ n: 5, dueAt: 3_000 }])
  story.answer(5, 'accepted', idOf('b', 0))
  story.at = 3_001
  story.promote([idOf('b', 0)])
  story.claim({ chunk: 'c', type: 'order', token: 1, worker: w2, ids: [idOf('b', 0)], promoted: true })
  story.run({ id: idOf('b', 0), chunk: 'c', token: 1, worker: w2, attempt: 1 })
  story.write({ chunk: 'c', token: 1, worker: w2, complete: true, rest: [idOf('b', 0)] })

  story.submit({ op: 6, type: 'row', n: 6 })
  story.submit({ op: 7, type: 'row', n: 7 })
  story.append('d', 'row', [{ n: 6 }, { n: 7 }])
  story.answer(6, 'accepted', idOf('d', 0))
  story.answer(7, 'accepted', idOf('d', 1))
  story.control('cancel', idOf('d', 1), 'ok')
  story.look(idOf('d', 1))
  story.pause('rows', true)
  story.later(10)
  story.pause('rows', false)
  story.claim({ chunk: 'd', type: 'row', token: 1, worker: w1, ids: [idOf('d', 0)] })
  story.run({ id: idOf('d', 0), chunk: 'd', token: 1, worker: w1, attempt: 1 })
  story.write({ chunk: 'd', token: 1, worker: w1, complete: true, rest: [idOf('d', 0)] })
  story.control('redrive', idOf('d', 0), 'conflict')
  story.control('redrive', idOf('d', 1), 'ok')
  story.promote([idOf('d', 1)])
  story.claim({ chunk: 'e', type: 'row', token: 1, worker: w1, ids: [idOf('d', 1)], promoted: true })
  story.run({ id: idOf('d', 1), chunk: 'e', token: 1, worker: w1, attempt: 1, state: 'failed' })
  story.write({
    ...{ chunk: 'e', token: 1, worker: w1, complete: true },
    updates: [{ id: idOf('d', 1), state: 'failed', attempts: 1, delayMs: 0, error: 'x' }],
  })
  story.account()
  story.at = 20_000
  story.prune([idOf('a', 0), idOf('a', 1)], 10_000)
  story.account()
  story.heal(5_000)
  return story.end()
}

/** Stored as settled, told or not, asked for again, beside a pause of its queue. */
export function settledAtOnce(): History {
  const story = new Story(TYPES, QUEUES)
  story.submit({ op: 1, type: 'row', n: 1, key: 'k' })
  story.submit({ op: 2, type: 'row', n: 2 })
  story.settleAtOnce('a', 'row', [1, 2])
  story.later(1)
  story.answer(1, 'accepted', idOf('a', 0))
  story.answer(2, 'unknown')
  story.look(idOf('a', 1))
  story.account()
  story.pause('rows', true)
  story.later(10)
  story.pause('rows', false)
  story.submit({ op: 3, type: 'row', n: 3 })
  story.settleAtOnce('b', 'row', [3])
  story.answer(3, 'accepted', idOf('b', 0))
  story.account()
  story.heal(5_000)
  return story.end()
}

/** Retries, expired leases, stale writes, a lease given back, death. */
export function retriesAndCrashes(): History {
  const story = new Story(TYPES, QUEUES)
  story.submit({ op: 1, type: 'mail', n: 1 })
  story.append('a', 'mail', [{ n: 1 }])
  story.answer(1, 'accepted', idOf('a', 0))
  const id = idOf('a', 0)
  story.claim({ chunk: 'a', type: 'mail', token: 1, worker: w1, ids: [id] })
  story.run({ id, chunk: 'a', token: 1, worker: w1, attempt: 1, state: 'retrying' })
  story.write({
    chunk: 'a',
    token: 1,
    worker: w1,
    complete: true,
    updates: [{ id, state: 'retrying', attempts: 1, delayMs: 100, error: 'x' }],
  })
  story.later(100)
  story.promote([id])
  story.claim({ chunk: 'b', type: 'mail', token: 1, worker: w2, ids: [id], promoted: true, attempts: 1 })
  story.later(500)
  story.write({ verb: 'extend', chunk: 'b', token: 1, worker: w2 })
  story.later(1_000)
  story.claim({
    chunk: 'b',
    type: 'mail',
    token: 2,
    worker: w1,
    ids: [id],
    promoted: true,
    attempts: 1,
    expiries: 1,
  })
  story.later(1)
  story.write({ chunk: 'b', token: 1, worker: w2, verdict: 'stale', complete: true })
  story.run({ id, chunk: 'b', token: 2, worker: w1, attempt: 3 })
  story.write({ chunk: 'b', token: 2, worker: w1, complete: true, rest: [id] })

  const dead = idOf('c', 0)
  const good = idOf('c', 1)
  story.submit({ op: 2, type: 'order', n: 2 })
  story.submit({ op: 3, type: 'order', n: 3 })
  story.append('c', 'order', [{ n: 2 }, { n: 3 }])
  story.answer(2, 'accepted', dead)
  story.answer(3, 'accepted', good)
  story.claim({ chunk: 'c', type: 'order', token: 1, worker: w1, ids: [dead, good] })
  story.later(10)
  story.write({ verb: 'extend', chunk: 'c', token: 1, worker: w1, finished: [good] })
  story.run({ id: good, chunk: 'c', token: 1, worker: w1, attempt: 1 })
  story.later(1_000)
  story.claim({ chunk: 'c', type: 'order', token: 2, worker: w2, ids: [dead], expiries: 1 })
  story.later(1_000)
  story.claim({ chunk: 'c', type: 'order', token: 3, worker: w1, ids: [dead], expiries: 2 })
  story.write({
    chunk: 'c',
    token: 3,
    worker: w1,
    complete: true,
    updates: [{ id: dead, state: 'dead', attempts: 2, delayMs: 0, error: 'x' }],
  })
  story.later(10)
  story.account()
  story.heal(1_000)
  story.later(2_000)
  return story.end()
}

/** An ordered queue, and a chunk that is given back and taken by another. */
export function partitioned(): History {
  const story = new Story(TYPES, QUEUES)
  for (const [op, chunk] of ['a', 'b'].entries()) {
    story.submit({ op, type: 'step', n: op })
    story.append(chunk, 'step', [{ n: op }])
    story.answer(op, 'accepted', idOf(chunk, 0))
  }
  story.claim({ chunk: 'a', type: 'step', token: 1, worker: w1, ids: [idOf('a', 0)], partition: 1 })
  story.later(5)
  story.write({ verb: 'extend', chunk: 'a', token: 1, worker: w1, release: true })
  story.claim({ chunk: 'a', type: 'step', token: 2, worker: w2, ids: [idOf('a', 0)], partition: 1 })
  story.run({ id: idOf('a', 0), chunk: 'a', token: 2, worker: w2, attempt: 1 })
  story.write({ chunk: 'a', token: 2, worker: w2, complete: true, rest: [idOf('a', 0)] })
  story.claim({ chunk: 'b', type: 'step', token: 1, worker: w1, ids: [idOf('b', 0)], partition: 1 })
  story.run({ id: idOf('b', 0), chunk: 'b', token: 1, worker: w1, attempt: 1 })
  story.write({ chunk: 'b', token: 1, worker: w1, complete: true, rest: [idOf('b', 0)] })
  story.account()
  return story.end()
}

/** Unknown may or may not have happened; a definite rejection must not have. A key may be used anew after its window. */
export function openOutcomes(): History {
  const story = new Story(TYPES, QUEUES)
  story.submit({ op: 1, type: 'order', n: 1, key: 'k', windowMs: 5_000 })
  story.append('a', 'order', [{ n: 1 }])
  story.answer(1, 'unknown')
  story.submit({ op: 2, type: 'order', n: 1, key: 'k', windowMs: 5_000 })
  story.append('a', 'order', [{ n: 1 }])
  story.answer(2, 'duplicate', idOf('a', 0))
  story.submit({ op: 3, type: 'order', n: 3 })
  story.answer(3, 'unknown')
  story.submit({ op: 4, type: 'order', n: 4 })
  story.answer(4, 'rejected', null, 'queue_full')
  story.submit({ op: 5, type: 'order', n: 5 })
  story.claim({ chunk: 'a', type: 'order', token: 1, worker: w1, ids: [idOf('a', 0)] })
  story.run({ id: idOf('a', 0), chunk: 'a', token: 1, worker: w1, attempt: 1 })
  story.write({ chunk: 'a', token: 1, worker: w1, complete: true, rest: [idOf('a', 0)] })
  story.later(6_000)
  story.submit({ op: 6, type: 'order', n: 6, key: 'k', windowMs: 5_000 })
  story.append('b', 'order', [{ n: 6 }])
  story.answer(6, 'accepted', idOf('b', 0))
  story.claim({ chunk: 'b', type: 'order', token: 1, worker: w1, ids: [idOf('b', 0)] })
  story.run({ id: idOf('b', 0), chunk: 'b', token: 1, worker: w1, attempt: 1 })
  story.write({ chunk: 'b', token: 1, worker: w1, complete: true, rest: [idOf('b', 0)] })
  story.account()
  return story.end()
}
