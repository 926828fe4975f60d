import { describe, expect, it } from 'vitest'
import { countLanded } from './landed-count.js'
import { runLoad } from './load.js'
import type { RunningSide } from './sides/side.js'
import { BULK_ROWS } from './tables.js'
import { makeEvents, type WatchEvent } from './watch-events.js'

/** A side whose events land at once; it knows how many calls were open together. */
function promptSide() {
  const landed = countLanded()
  const calls: (readonly WatchEvent[])[] = []
  let open = 0
  let openMax = 0
  const take = async (events: readonly WatchEvent[]) => {
    calls.push(events)
    open++
    openMax = Math.max(openMax, open)
    await Promise.resolve()
    open--
    landed.add(events.length)
  }
  const side: RunningSide = {
    submit: (event) => take([event]),
    submitMany: take,
    close: async () => {},
  }
  return { side, landed, calls, openMax: () => openMax }
}

describe('a load', () => {
  it('sends every event once, by as many callers at a time as it says', async () => {
    const { side, landed, calls, openMax } = promptSide()
    const figures = await runLoad(side, landed, { callers: 7, api: 'single', first: 3, events: 100 })
    expect(calls.flat()).toEqual(makeEvents(3, 100))
    expect(openMax()).toBe(7)
    expect(landed.rows).toBe(100)
    expect(figures.landedPerSecond).toBeLessThanOrEqual(figures.acceptedPerSecond)
    expect(figures.ackP50Ms).toBeLessThanOrEqual(figures.ackP99Ms)
  })

  it('hands over a thousand at a time where the bulk API is asked for', async () => {
    const { side, landed, calls } = promptSide()
    await runLoad(side, landed, { callers: 2, api: 'bulk', first: 0, events: 2 * BULK_ROWS + 10 })
    expect(calls.map((events) => events.length)).toEqual([BULK_ROWS, BULK_ROWS, 10])
  })

  it('is over when its rows have landed, not when they were accepted', async () => {
    const { side, landed } = promptSide()
    const late: RunningSide = { ...side, submit: async () => void setImmediate(() => landed.add(1)) }
    await runLoad(late, landed, { callers: 5, api: 'single', first: 0, events: 5 })
    expect(landed.rows).toBe(5)
  })

  it('fails with the first caller that does', async () => {
    const { landed, side } = promptSide()
    const broken: RunningSide = { ...side, submit: () => Promise.reject(new Error('refused')) }
    const load = { callers: 2, api: 'single', first: 0, events: 4 } as const
    await expect(runLoad(broken, landed, load)).rejects.toThrow('refused')
  })
})
