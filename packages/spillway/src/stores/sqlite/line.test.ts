import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { Locked } from './errors.js'
import { newLine } from './line.js'

function lockedUntil(free: () => boolean): { tries: number; step: () => string } {
  const attempt = {
    tries: 0,
    step() {
      attempt.tries += 1
      if (!free()) throw new Locked(undefined)
      return 'done'
    },
  }
  return attempt
}

function setUp(busyTimeoutMs = 1_000) {
  const clock = new VirtualClock()
  return { clock, line: newLine({ wait: clock, busyTimeoutMs, path: 'store.db' }) }
}

describe('a line', () => {
  it('runs a step at once when nobody waits', () => {
    const { line } = setUp()
    let ran = false
    const run = line.run(() => {
      ran = true
    })
    expect(ran).toBe(true)
    return run
  })

  it('tries a locked step again, ever less often, until the time is up', async () => {
    const { clock, line } = setUp(1_000)
    const attempt = lockedUntil(() => false)
    const run = expect(line.run(attempt.step)).rejects.toMatchObject({
      code: 'store_unavailable',
      details: { reason: 'busy', waitedMs: 1_000 },
    })
    await clock.advance(1_000)
    await run
    expect(attempt.tries).toBeGreaterThan(20)
    expect(attempt.tries).toBeLessThan(40)
  })

  it('passes on what a step throws', async () => {
    const { line } = setUp()
    const error = new Error('mine')
    await expect(
      line.run(() => {
        throw error
      }),
    ).rejects.toBe(error)
    await expect(line.run(() => 'next')).resolves.toBe('next')
  })

  it('keeps later steps behind one that waits, in their order', async () => {
    const { clock, line } = setUp()
    let free = false
    const order: string[] = []
    const first = line.run(lockedUntil(() => free).step).then(() => order.push('first'))
    const others = ['second', 'third'].map((name) => line.run(() => name).then((value) => order.push(value)))
    await clock.advance(10)
    expect(order).toEqual([])
    free = true
    await clock.advance(100)
    await Promise.all([first, ...others])
    expect(order).toEqual(['first', 'second', 'third'])
  })

  it('lets the next one try when the first gave up', async () => {
    const { clock, line } = setUp(100)
    const first = expect(line.run(lockedUntil(() => false).step)).rejects.toMatchObject({
      code: 'store_unavailable',
    })
    const second = line.run(() => 'second')
    await clock.advance(100)
    await first
    expect(await second).toBe('second')
  })

  it('puts a step that is asked for inside another one behind it', async () => {
    const { line } = setUp()
    const order: string[] = []
    let inner: Promise<unknown> | undefined
    await line.run(() => {
      inner = line.run(() => order.push('inner'))
      order.push('outer')
    })
    await inner
    expect(order).toEqual(['outer', 'inner'])
  })

  it('does not grow without end', async () => {
    const { clock, line } = setUp(1_000)
    let free = false
    const first = line.run(lockedUntil(() => free).step)
    const waiting = Array.from({ length: 10_000 }, () => line.run(() => 'ran'))
    await expect(line.run(() => 'ran')).rejects.toMatchObject({ code: 'store_unavailable' })
    free = true
    await clock.advance(100)
    await first
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['ran']))
  })
})
