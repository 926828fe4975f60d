// A range of seeds, run one after the other. Every hundredth is run twice and must take the same course both times, or
// no seed that fails could be trusted to fail again.

import { countSometimes } from './counting.js'
import { addCounters, type Counters, newCounters } from './sometimes.js'
import { traceHash } from './trace.js'
import { runSeed, type SeedOptions, type SeedResult } from './world.js'

const REPEAT_EVERY = 100

export interface CampaignOptions extends SeedOptions {
  readonly from: number
  readonly seeds: number
  /** Which seeds are run twice: those that this divides. Default 100. */
  readonly repeatEvery?: number
  /** Ends the campaign when it returns false. */
  readonly onSeed?: (result: SeedResult) => boolean
}

export interface CampaignReport {
  readonly seeds: number
  readonly counters: Counters
  readonly failures: readonly SeedResult[]
  /** Seeds that took another course the second time. */
  readonly irreproducible: readonly number[]
}

export async function runCampaign({
  from,
  seeds,
  repeatEvery = REPEAT_EVERY,
  onSeed = () => true,
  ...options
}: CampaignOptions): Promise<CampaignReport> {
  const counters = newCounters()
  const failures: SeedResult[] = []
  const irreproducible: number[] = []
  let seed = from
  for (; seed < from + seeds; seed += 1) {
    const result = await runSeed(seed, options)
    addCounters(counters, countSometimes(result.history))
    if (result.violations.length > 0) failures.push(result)
    if (seed % repeatEvery === 0 && !(await repeats(result, options))) irreproducible.push(seed)
    if (!onSeed(result)) break
  }
  return { seeds: Math.min(seed - from + 1, seeds), counters, failures, irreproducible }
}

async function repeats({ seed, history }: SeedResult, options: SeedOptions): Promise<boolean> {
  const again = await runSeed(seed, options)
  return traceHash(again.history) === traceHash(history)
}
