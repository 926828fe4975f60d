// A range of seeds, run one after the other. Every hundredth is run twice and must take the same course both times, or
// no seed that fails could be trusted to fail again.

import type { PlantedBug } from './bugs/index.js'
import { countSometimes } from './counting.js'
import { addCounters, type Counters, newCounters } from './sometimes.js'
import { traceHash } from './trace.js'
import { runSeed, type SeedResult } from './world.js'

const REPEAT_EVERY = 100

export interface CampaignOptions {
  readonly from: number
  readonly seeds: number
  readonly bug?: PlantedBug | null
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
  bug = null,
  onSeed = () => true,
}: CampaignOptions): Promise<CampaignReport> {
  const counters = newCounters()
  const failures: SeedResult[] = []
  const irreproducible: number[] = []
  let seed = from
  for (; seed < from + seeds; seed += 1) {
    const result = await runSeed(seed, bug)
    addCounters(counters, countSometimes(result.history))
    if (result.violations.length > 0) failures.push(result)
    if (seed % REPEAT_EVERY === 0 && !(await repeats(result, bug))) irreproducible.push(seed)
    if (!onSeed(result)) break
  }
  return { seeds: Math.min(seed - from + 1, seeds), counters, failures, irreproducible }
}

async function repeats({ seed, history }: SeedResult, bug: PlantedBug | null): Promise<boolean> {
  const again = await runSeed(seed, bug)
  return traceHash(again.history) === traceHash(history)
}
