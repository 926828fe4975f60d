import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { countLanded } from './landed-count.js'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

describe('landed rows', () => {
  it('are reached with the row that completes the number, at the time of that row', async () => {
    const landed = countLanded()
    const reached = landed.reached(3, 1_000)
    landed.add(2)
    landed.add(1)
    const { lastAt } = landed
    landed.add(5)
    expect(await reached).toBe(lastAt)
    expect(landed.rows).toBe(8)
  })

  it('that are there already are reached at once', async () => {
    const landed = countLanded()
    landed.add(3)
    expect(await landed.reached(3, 1_000)).toBe(landed.lastAt)
  })

  it('that do not come in time are an error that says how many came', async () => {
    const landed = countLanded()
    const reached = landed.reached(3, 2_000)
    landed.add(2)
    vi.advanceTimersByTime(2_000)
    await expect(reached).rejects.toThrow('2 of 3 rows landed within 2 s')
  })

  it('are counted apart from those written a second time', () => {
    const landed = countLanded()
    landed.add(2, 1)
    expect([landed.rows, landed.repeats]).toEqual([2, 1])
  })
})
