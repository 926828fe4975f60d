import { describe, expect, it } from 'vitest'
import { type CampaignReport, runCampaign } from './campaign.js'
import { addCounters, neverSeen, newCounters } from './sometimes.js'
import { traceHash, traceTail } from './trace.js'
import { runSeed } from './world.js'

const SEEDS = 2_000
const SEEDS_PER_TEST = 250
/** A loaded machine needs its time; this is no measure of speed. */
const TIMEOUT_MS = 300_000

const campaigns = new Map<number, Promise<CampaignReport>>()

function campaign(from: number): Promise<CampaignReport> {
  const known = campaigns.get(from)
  if (known !== undefined) return known
  const running = runCampaign({ from, seeds: SEEDS_PER_TEST })
  campaigns.set(from, running)
  return running
}

const starts = Array.from({ length: SEEDS / SEEDS_PER_TEST }, (_, part) => part * SEEDS_PER_TEST + 1)

describe('the simulation', () => {
  for (const from of starts) {
    it(`keeps every promise in seeds ${from} to ${from + SEEDS_PER_TEST - 1}`, {
      timeout: TIMEOUT_MS,
    }, async () => {
      const { failures, irreproducible } = await campaign(from)
      const broken = failures.map(({ seed, violations }) => ({ seed, first: violations[0] }))
      expect(broken).toEqual([])
      expect(irreproducible).toEqual([])
    })
  }

  it('has seen every fault and every interesting state at least once', { timeout: TIMEOUT_MS }, async () => {
    const total = newCounters()
    for (const from of starts) addCounters(total, (await campaign(from)).counters)
    expect(neverSeen(total)).toEqual([])
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
