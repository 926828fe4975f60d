import { describe, expect, it } from 'vitest'
import { Bench, command, eventsOf, range } from '../../test/worker/worker-kit.js'
import type { PressureReading } from '../ports/index.js'

const CALM: PressureReading = { eventLoopDelayMs: 1, heapUsedRatio: 0.2 }

/** A counterpart that takes as long per command as `durationOf` the commands under way says. */
function measured(
  concurrency: { min?: number; max: number; latency?: number },
  durationOf: (atOnce: number) => number,
) {
  const part = { atOnce: 0, peak: 0, peaks: [] as number[], isUp: true }
  const definition = command({
    name: 'a',
    retry: { attempts: 1_000, backoff: { delay: 10, jitter: 'none' } },
    handle: async () => {
      part.atOnce += 1
      part.peak = Math.max(part.peak, part.atOnce)
      await bench.clock.sleep(durationOf(part.atOnce))
      part.atOnce -= 1
      if (!part.isUp) throw Object.assign(new Error('connection reset'), { code: 'ECONNRESET' })
    },
  })
  const bench: Bench = new Bench([definition], { queue: { concurrency } })
  const peakWithin = async (ms: number): Promise<number> => {
    part.peak = part.atOnce
    await bench.clock.advance(ms)
    return part.peak
  }
  return { bench, part, peakWithin }
}

async function backlog(bench: Bench, commands: number): Promise<void> {
  for (const at of range(commands / 100))
    await bench.append(
      'a',
      range(100).map((index) => at * 100 + index),
    )
}

describe('a queue whose concurrency adapts', () => {
  it('runs more at once while that costs no time, up to its maximum', async () => {
    const { bench, peakWithin } = measured({ max: 40 }, () => 50)
    await backlog(bench, 10_000)
    const { events } = bench.start()
    expect(await peakWithin(49)).toBe(20)
    await bench.clock.advance(8_000)
    expect(await peakWithin(1_000)).toBe(40)
    expect(eventsOf(events, 'limit.changed').map(({ limit }) => limit)).toContain(40)
    expect(eventsOf(events, 'pool.state').at(-1)).toMatchObject({ limit: 40 })
  })

  it('never takes more than its maximum nor, when everything fails, less than its minimum', async () => {
    const { bench, part, peakWithin } = measured({ min: 3, max: 30 }, () => 50)
    await backlog(bench, 3_000)
    part.isUp = false
    const { events } = bench.start()
    await bench.clock.advance(10_000)
    expect(await peakWithin(1_000)).toBe(3)
    expect(eventsOf(events, 'limit.changed')[0]).toMatchObject({ reason: 'errors' })
    part.isUp = true
    await bench.clock.advance(10_000)
    expect(part.peak).toBeGreaterThan(10)
    expect(part.peak).toBeLessThanOrEqual(30)
  })

  it('takes less while calls take longer than they may', async () => {
    const { bench, peakWithin } = measured({ max: 40, latency: 100 }, (atOnce) => atOnce * 20)
    await backlog(bench, 10_000)
    bench.start()
    await bench.clock.advance(20_000)
    expect(await peakWithin(2_000)).toBeLessThanOrEqual(7)
  })

  it.each([
    ['its event loop is late', { ...CALM, eventLoopDelayMs: 300 }],
    ['its heap is full', { ...CALM, heapUsedRatio: 0.95 }],
  ])('takes less while %s', async (_, reading) => {
    let pressure = CALM
    const { bench } = measured({ max: 40 }, () => 50)
    await backlog(bench, 20_000)
    const { events } = bench.start({ readPressure: () => pressure })
    await bench.clock.advance(5_000)
    expect(eventsOf(events, 'limit.changed').some(({ reason }) => reason === 'pressure')).toBe(false)
    pressure = reading
    await bench.clock.advance(3_000)
    expect(eventsOf(events, 'limit.changed').some(({ reason }) => reason === 'pressure')).toBe(true)
  })

  it('says nothing and measures nothing where the number is fixed', async () => {
    const definition = command({ name: 'a', handle: () => undefined })
    const bench = new Bench([definition], { concurrency: 4 })
    await backlog(bench, 1_000)
    let readings = 0
    const { events } = bench.start({
      readPressure: () => {
        readings += 1
        return CALM
      },
    })
    await bench.clock.advance(5_000)
    expect(readings).toBe(0)
    expect(events.filter(({ event }) => event === 'limit.changed' || event === 'pool.state')).toEqual([])
  })
})
