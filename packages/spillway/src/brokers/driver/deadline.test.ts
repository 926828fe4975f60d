import { beforeEach, describe, expect, it } from 'vitest'
import { VirtualClock } from '../../testing/virtual-clock.js'
import { inTime, within } from './deadline.js'

const never = new Promise<never>(() => {})
const late = (): Error => new Error('too late')

let clock: VirtualClock

beforeEach(() => {
  clock = new VirtualClock()
})

describe('what is waited for within a time', () => {
  it('answers, and leaves no timer behind', async () => {
    expect(await within(clock, 100, Promise.resolve('answer'), late)).toBe('answer')
    await expect(within(clock, 100, Promise.reject(new Error('no')), late)).rejects.toThrow('no')
    expect(clock.pending).toBe(0)
  })

  it('is given up when the time is over, whatever becomes of it', async () => {
    let fail: (error: Error) => void = () => {}
    const work = new Promise<string>((_, reject) => (fail = reject))
    const waiting = within(clock, 100, work, late).catch((error: unknown) => error)
    await clock.advance(100)
    expect(await waiting).toMatchObject({ message: 'too late' })
    fail(new Error('nobody hears of it'))
    await clock.advance(1)
  })

  it('says whether it ended in time, well or not', async () => {
    expect(await inTime(clock, 100, Promise.resolve())).toBe(true)
    expect(await inTime(clock, 100, Promise.reject(new Error('no')))).toBe(true)
    const waiting = inTime(clock, 100, never)
    await clock.advance(100)
    expect([await waiting, clock.pending]).toEqual([false, 0])
  })
})
