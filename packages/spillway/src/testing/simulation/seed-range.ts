// A range of seeds that tests run in parts, short enough to show how far they are; each part is run once, whoever asks for it.

import { type CampaignReport, runCampaign } from './campaign.js'
import { addCounters, neverSeen, newCounters, type Sometimes } from './sometimes.js'

const SEEDS_PER_PART = 250

export class SeedRange {
  /** The first seed of each part. */
  readonly starts: readonly number[]
  readonly #reports = new Map<number, Promise<CampaignReport>>()

  constructor({ from, seeds }: { readonly from: number; readonly seeds: number }) {
    this.starts = Array.from({ length: seeds / SEEDS_PER_PART }, (_, part) => from + part * SEEDS_PER_PART)
  }

  title(start: number): string {
    return `keeps every promise in seeds ${start} to ${start + SEEDS_PER_PART - 1}`
  }

  /** What went wrong in the part that begins there. */
  async failures(start: number): Promise<readonly unknown[]> {
    const { failures, irreproducible } = await this.#report(start)
    const broken = failures.map(({ seed, violations }) => ({ seed, first: violations[0] }))
    return [
      ...broken,
      ...irreproducible.map((seed) => ({ seed, first: 'took another course the second time' })),
    ]
  }

  /** What none of the parts has seen. */
  async neverSeen(): Promise<readonly Sometimes[]> {
    const total = newCounters()
    for (const start of this.starts) addCounters(total, (await this.#report(start)).counters)
    return neverSeen(total)
  }

  #report(start: number): Promise<CampaignReport> {
    const report = this.#reports.get(start) ?? runCampaign({ from: start, seeds: SEEDS_PER_PART })
    this.#reports.set(start, report)
    return report
  }
}
