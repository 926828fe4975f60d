import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../runtime/index.js'
import { seededRandom } from './seeded-random.js'
import { VirtualClock } from './virtual-clock.js'

async function traceOf(seed: number): Promise<string[]> {
  const clock = new VirtualClock()
  const random = seededRandom(seed)
  const trace: string[] = []
  const note = (what: string): number => trace.push(`${clock.monotonic()} ${what}`)
  const actor = async (name: string): Promise<void> => {
    for (let round = 0; round < 20; round += 1) {
      await clock.sleep(Math.floor(random() * 5))
      note(`${name} woke`)
      clock.defer(() => note(`${name} deferred`))
      await new Promise<void>((resolve) => clock.schedule(random() * 3, resolve))
      note(`${name} timer`)
    }
  }
  const actors = Promise.all(['a', 'b', 'c'].map(actor))
  await clock.runUntilIdle()
  await actors
  return trace
}

describe('VirtualClock', () => {
  it('stands still until it is advanced', async () => {
    const clock = new VirtualClock({ startAt: 5_000 })
    let fired = false
    clock.schedule(10, () => {
      fired = true
    })
    await clock.advance(9)
    expect([clock.now(), clock.monotonic(), fired]).toEqual([5_009, 9, false])
    await clock.advance(1)
    expect([clock.now(), fired]).toEqual([5_010, true])
  })

  it('fires timers by time and then by insertion, whatever order they were set in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), async (delays) => {
        const clock = new VirtualClock()
        const fired: [number, number][] = []
        for (const [order, ms] of delays.entries())
          clock.schedule(ms, () => fired.push([clock.monotonic(), order]))
        await clock.advance(20)
        expect(fired).toEqual(
          delays
            .map((ms, order) => [ms, order] as [number, number])
            .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
        )
      }),
    )
  })

  it('skips cancelled timers and no longer counts them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.boolean())), async (timers) => {
        const clock = new VirtualClock()
        const fired: number[] = []
        const cancels = timers.map(([ms], index) => clock.schedule(ms, () => fired.push(index)))
        for (const [index, [, keep]] of timers.entries()) if (!keep) cancels[index]?.()
        const kept = timers.flatMap(([, keep], index) => (keep ? [index] : []))
        expect(clock.pending).toBe(kept.length)
        await clock.advance(9)
        expect(fired.sort((a, b) => a - b)).toEqual(kept)
        expect(clock.pending).toBe(0)
      }),
    )
  })

  it('lets every promise job of a callback run before the next callback', async () => {
    const clock = new VirtualClock()
    const trace: string[] = []
    clock.schedule(1, () => {
      void (async () => {
        for (let turn = 0; turn < 500; turn += 1) await null
        trace.push('jobs of the first')
      })()
    })
    clock.schedule(1, () => trace.push('second'))
    await clock.advance(1)
    expect(trace).toEqual(['jobs of the first', 'second'])
  })

  it('runs deferred calls before time moves, later ones after earlier ones', async () => {
    const clock = new VirtualClock()
    const trace: string[] = []
    clock.schedule(0, () => trace.push('timer'))
    clock.defer(() => {
      trace.push('first')
      clock.defer(() => trace.push('third'))
    })
    clock.defer(() => trace.push('second'))
    await clock.advance(0)
    expect(trace).toEqual(['first', 'second', 'third', 'timer'])
  })

  it('fires a timer that a callback sets within the time being advanced', async () => {
    const clock = new VirtualClock()
    const at: number[] = []
    const tick = (): void => {
      at.push(clock.monotonic())
      if (at.length < 4) clock.schedule(3, tick)
    }
    clock.schedule(3, tick)
    await clock.advance(10)
    expect(at).toEqual([3, 6, 9])
  })

  it('ends a sleep by its signal, at once when it has aborted before', async () => {
    const clock = new VirtualClock()
    const stop = new AbortController()
    const wokeAt: number[] = []
    void clock.sleep(100, stop.signal).then(() => wokeAt.push(clock.monotonic()))
    clock.schedule(40, () => stop.abort())
    await clock.advance(200)
    void clock.sleep(100, stop.signal).then(() => wokeAt.push(clock.monotonic()))
    await clock.advance(0)
    expect(wokeAt).toEqual([40, 200])
    expect(clock.pending).toBe(0)
  })

  it('runs until idle and stops where the last timer fired', async () => {
    const clock = new VirtualClock()
    clock.schedule(30, () => clock.schedule(12, () => {}))
    expect(await clock.runUntilIdle()).toBe(true)
    expect(clock.monotonic()).toBe(42)
  })

  it('gives up at the horizon when something polls forever', async () => {
    const clock = new VirtualClock()
    const poll = (): void => void clock.schedule(7, poll)
    poll()
    expect(await clock.runUntilIdle(100)).toBe(false)
    expect(clock.monotonic()).toBe(100)
  })

  it('passes on what a callback throws and can be advanced again', async () => {
    const clock = new VirtualClock()
    clock.schedule(1, () => {
      throw new Error('in the timer')
    })
    await expect(clock.advance(5)).rejects.toThrow('in the timer')
    await clock.advance(5)
    expect(clock.monotonic()).toBe(6)
  })

  it('refuses to be moved while it moves', async () => {
    const clock = new VirtualClock()
    const first = clock.advance(1)
    await expect(clock.advance(1)).rejects.toThrow('already moving')
    await first
  })

  it('gives the same trace for the same seed and another for another', async () => {
    const [first, second, other] = [await traceOf(1), await traceOf(1), await traceOf(2)]
    expect(first.length).toBe(180)
    expect(second).toEqual(first)
    expect(other).not.toEqual(first)
  })
})

describe('seededRandom', () => {
  it('depends on its seed alone and stays in [0, 1)', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed)
      return Array.from({ length: 1_000 }, random)
    }
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
    expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true)
    const mean = draw(7).reduce((sum, value) => sum + value, 0) / 1_000
    expect(mean).toBeGreaterThan(0.45)
    expect(mean).toBeLessThan(0.55)
  })

  it('waits within the instant for work outside, and for what its answer starts', async () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    const outside = (name: string): Promise<number> =>
      clock.outside(systemClock.sleep(5), name).then(() => seen.push(`${clock.monotonic()} ${name}`))
    clock.schedule(1, () => void outside('first').then(() => outside('second')))
    clock.schedule(2, () => seen.push(`${clock.monotonic()} timer`))
    await clock.advance(10)
    expect(seen).toEqual(['1 first', '1 second', '2 timer'])
  })

  it('lets time go on once whoever left is back, and not before', async () => {
    const clock = new VirtualClock()
    const back = clock.leave('a visit')
    let moved = false
    const moving = clock.advance(10).then(() => {
      moved = true
    })
    await systemClock.sleep(5)
    expect(moved).toBe(false)
    back()
    back()
    await moving
    expect(clock.monotonic()).toBe(10)
  })

  it('says what it waits for when that never answers', async () => {
    const clock = new VirtualClock({ outsideMs: 20 })
    clock.leave('the database')
    await expect(clock.advance(1)).rejects.toThrow(/waited 20 ms .*\(the database\)/)
  })

  it('hands on what work outside rejects with', async () => {
    const clock = new VirtualClock()
    const asked = clock.outside(Promise.reject(new Error('no')), 'asking')
    await expect(asked).rejects.toThrow('no')
    await clock.advance(1)
    expect(clock.monotonic()).toBe(1)
  })
})
