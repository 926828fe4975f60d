import { describe, expect, it } from 'vitest'
import { SeedRange } from './seed-range.js'
import { traceHash, traceTail } from './trace.js'
import { runSeed } from './world.js'

/** The other half is in simulation-further.test.ts: two files are run at once. */
const RANGE = new SeedRange({ from: 1, seeds: 2_000 })
/** A loaded machine needs its time; this is no measure of speed. */
const TIMEOUT_MS = 300_000

describe('the simulation', () => {
  for (const start of RANGE.starts) {
    it(RANGE.title(start), { timeout: TIMEOUT_MS }, async () => {
      expect(await RANGE.failures(start)).toEqual([])
    })
  }

  it('has seen every fault and every interesting state at least once', { timeout: TIMEOUT_MS }, async () => {
    expect(await RANGE.neverSeen()).toEqual([])
  })

  it('takes the same course for the same seed, event by event, and another for another', async () => {
    const [first, again, other] = [await runSeed(7), await runSeed(7), await runSeed(8)]
    expect(again.history).toEqual(first.history)
    expect(traceHash(again.history)).toBe(traceHash(first.history))
    expect(traceHash(other.history)).not.toBe(traceHash(first.history))
  })

  it('tells the course of a run line by line, up to a moment', async () => {
    const { history } = await runSeed(7)
    const until = history.events[40]?.at ?? 0
    const lines = traceTail(history, until, 20)
    expect(lines).toHaveLength(20)
    expect(traceTail(history, Number.POSITIVE_INFINITY, 1e6)).toHaveLength(history.events.length)
    expect(lines.every((line) => /^ *\d+ ms {2}\S/.test(line))).toBe(true)
  })
})
