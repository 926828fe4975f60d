import { describe, expect, it } from 'vitest'
import { VirtualClock } from '../virtual-clock.js'
import { Life } from './life.js'

function live() {
  const clock = new VirtualClock()
  const seen: string[] = []
  const life = new Life({ process: 'p#1', clock, skewMs: 40, onCrash: () => seen.push('crashed') })
  const note = (what: string) => (): void => void seen.push(what)
  return { clock, life, seen, note }
}

describe('Life', () => {
  it('lets nothing of a crashed process run: no timer, no deferred call, no sleeper, no arrival', async () => {
    const { clock, life, seen, note } = live()
    life.clock.schedule(10, note('timer'))
    life.clock.defer(note('deferred'))
    void life.clock.sleep(5).then(note('sleeper'))
    void life.crash()
    life.enter(note('arrival'))
    life.clock.schedule(1, note('late timer'))
    await clock.advance(100)
    expect(seen).toEqual(['crashed'])
    expect(life.over).toBe(true)
  })

  it('keeps what arrives while it is stopped, in order, until it resumes', async () => {
    const { clock, life, seen, note } = live()
    life.pause()
    life.clock.schedule(10, note('timer'))
    life.clock.defer(note('deferred'))
    await clock.advance(50)
    life.enter(note('arrival'))
    expect(seen).toEqual([])
    life.resume()
    await clock.advance(0)
    expect(seen).toEqual(['deferred', 'timer', 'arrival'])
  })

  it('drops what it kept when it dies while it is stopped', async () => {
    const { clock, life, seen, note } = live()
    life.pause()
    life.enter(note('arrival'))
    void life.crash()
    life.resume()
    await clock.advance(10)
    expect(seen).toEqual(['crashed'])
  })

  it('has a wall clock of its own that is off, and a steady one that is not', async () => {
    const { clock, life } = live()
    await clock.advance(7)
    expect(life.clock.now() - clock.now()).toBe(40)
    expect(life.clock.monotonic()).toBe(clock.monotonic())
  })

  it('delays messages until it is no longer cut off', async () => {
    const { clock, life } = live()
    life.cutOff(100)
    expect(life.travelMs(3)).toBe(100)
    await clock.advance(98)
    expect([life.travelMs(1), life.travelMs(3)]).toEqual([2, 3])
  })

  it('wakes a sleeper when its signal aborts', async () => {
    const { clock, life, seen, note } = live()
    const stop = new AbortController()
    void life.clock.sleep(1_000, stop.signal).then(note('awake'))
    stop.abort()
    await clock.advance(0)
    expect(seen).toEqual(['awake'])
    expect(clock.pending).toBe(0)
  })
})
