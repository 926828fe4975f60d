import { describe, expect, it } from 'vitest'
import { type Evidence, ledgerOf } from '../src/ledger.js'
import type { PostOfficeFact } from '../src/post-office/wire.js'
import type { CallbackFact } from '../src/upstream/wire.js'

const callback = (orderId: string, state: string, other: Partial<CallbackFact> = {}): CallbackFact => ({
  ...{ orderId, event: `command.${state}`, webhookId: `callback-${orderId}`, digest: 'same' },
  ...{ verified: true, taken: true },
  ...other,
})

/** One letter issued at once, one refused, one answered later: all in order. */
const ORDERLY: Evidence = {
  orderIds: ['a', 'b', 'c'],
  settled: [
    { orderId: 'a', state: 'succeeded', attempts: 1 },
    { orderId: 'b', state: 'compensated', attempts: 1 },
    { orderId: 'c', state: 'succeeded', attempts: 3 },
  ],
  postOffice: [
    { fact: 'posted', orderId: 'a' },
    { fact: 'issued', orderId: 'a' },
    { fact: 'refused', orderId: 'b' },
    { fact: 'refunded', orderId: 'b' },
    { fact: 'issued', orderId: 'c' },
    { fact: 'looked', orderId: 'c', status: 'issued' },
    { fact: 'answered', orderId: 'c', taken: true },
    { fact: 'answered', orderId: 'c', taken: false },
  ],
  upstream: [
    callback('a', 'succeeded', { taken: false }),
    callback('a', 'succeeded'),
    callback('b', 'compensated'),
    callback('c', 'succeeded'),
  ],
}

const also = (...facts: PostOfficeFact[]): Evidence => ({
  ...ORDERLY,
  postOffice: [...ORDERLY.postOffice, ...facts],
})
const told = (...facts: CallbackFact[]): Evidence => ({
  ...ORDERLY,
  upstream: [...ORDERLY.upstream, ...facts],
})
const ended = (state: 'dead' | 'running'): Evidence => ({
  ...ORDERLY,
  settled: ORDERLY.settled.map((order) => (order.orderId === 'a' ? { ...order, state } : order)),
})

describe('the ledger', () => {
  it('counts what became of the letters', () => {
    expect(ledgerOf(ORDERLY)).toEqual({
      ...{ letters: 3, issued: 2, refusedAndRefunded: 1, givenUpAndRefunded: 0, takenBack: 0, dead: 0 },
      ...{ calledBack: 3, callbacks: 4, reconciled: 1, pendingCompleted: 1, answersTooLate: 1, retries: 2 },
      ...{ duplicates: 0, faults: [] },
    })
  })

  it('counts a letter that was printed and refunded as taken back, and it is in order', () => {
    expect(ledgerOf(also({ fact: 'issued', orderId: 'b' }))).toMatchObject({ takenBack: 1, faults: [] })
  })

  it.each<[string, Evidence]>([
    ['1 printed more than once, such as a', also({ fact: 'issued', orderId: 'a' })],
    ['1 refunded more than once, such as b', also({ fact: 'refunded', orderId: 'b' })],
    ['1 succeeded, but not printed exactly once and kept', also({ fact: 'refunded', orderId: 'a' })],
    ['1 not known to Spillway', { ...ORDERLY, settled: ORDERLY.settled.slice(1) }],
    ['3 neither printed nor refunded, such as a', { ...ORDERLY, postOffice: [] }],
    [
      '1 compensated, but not refunded, such as b',
      { ...ORDERLY, postOffice: ORDERLY.postOffice.filter(({ fact }) => fact !== 'refunded') },
    ],
    ['1 neither succeeded nor compensated, such as a', ended('dead')],
    ['1 neither succeeded nor compensated, such as a', ended('running')],
    ['1 never called back, such as c', { ...ORDERLY, upstream: ORDERLY.upstream.slice(0, 3) }],
    [
      '1 called back with a wrong signature',
      told(callback('a', 'succeeded', { verified: false, taken: false })),
    ],
    ['1 called back under several ids', told(callback('a', 'succeeded', { webhookId: 'another' }))],
    ['1 called back with several bodies', told(callback('a', 'succeeded', { digest: 'another' }))],
    ['1 called back with another end than it had', told(callback('a', 'dead'))],
    [
      '2 notes about orders that nobody made',
      also({ fact: 'issued', orderId: 'x' }, { fact: 'posted', orderId: 'x' }),
    ],
  ])('finds what is wrong: %s', (fault, evidence) => {
    expect(ledgerOf(evidence).faults).toEqual(expect.arrayContaining([expect.stringContaining(fault)]))
  })
})
