// Waiting for a place: in turn, up to a deadline.

import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { newPlaces } from './places.js'

const ACQUIRE_TIMEOUT_MS = 1_000

/** Two calls of a pool with one place; each goes on until it is told to end. */
function setUp() {
  const clock = new VirtualClock()
  const places = newPlaces({ poolSize: 1, acquireTimeoutMs: ACQUIRE_TIMEOUT_MS, wait: clock, place: 'db' })
  const began: string[] = []
  const call = (name: string) => {
    let end: () => void = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const answer = places.use(async () => {
      began.push(name)
      await ended
      return name
    })
    return { answer, end }
  }
  return { clock, places, began, call }
}

describe('places', () => {
  it('are given in turn to those who wait', async () => {
    const { clock, began, call } = setUp()
    const [first, second, third] = ['first', 'second', 'third'].map(call) as [Call, Call, Call]
    await clock.advance(0)
    expect(began).toEqual(['first'])
    first.end()
    expect(await first.answer).toBe('first')
    second.end()
    expect(await second.answer).toBe('second')
    third.end()
    expect(await third.answer).toBe('third')
    expect(began).toEqual(['first', 'second', 'third'])
  })

  it('are not waited for beyond the deadline, and then go to the next one', async () => {
    const { clock, began, call } = setUp()
    const first = call('first')
    const late = expect(call('late').answer).rejects.toMatchObject({
      ...{ code: 'store_unavailable', details: { reason: 'pool_exhausted', waitedMs: ACQUIRE_TIMEOUT_MS } },
    })
    await clock.advance(ACQUIRE_TIMEOUT_MS - 1)
    const next = call('next')
    await clock.advance(1)
    await late
    first.end()
    next.end()
    expect(await next.answer).toBe('next')
    expect(began).toEqual(['first', 'next'])
  })
})

type Call = ReturnType<ReturnType<typeof setUp>['call']>
