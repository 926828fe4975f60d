// What the bad days cost on good ones: the same submits by the same processes, before and after, in turns.

import { runChild } from '../child.js'
import type { SideFigures } from '../measure.js'
import { median } from '../median.js'
import type { Bench } from '../sections/section.js'
import type { SideJob } from '../side-process.js'
import { buildBaseline } from './baseline.js'

const ROUNDS = 7
const CALLERS = 256
const EVENTS = 60_000
const QUICK_EVENTS = 15_000
const WARMUP_SHARE = 0.25
const NOW = './side-process.js'

export interface HappyPath {
  readonly beforePerSecond: number
  readonly nowPerSecond: number
  /** Median over the rounds of now by before, each round's two runs being next to each other in time. */
  readonly ratio: number
}

/** Null where the code from before is not at hand. */
export async function happyPath(bench: Bench): Promise<HappyPath | null> {
  bench.say('bad days: building the code from before')
  const baseline = await buildBaseline()
  if (baseline === null) return null
  try {
    return await inTurns(bench, baseline.module('side-process.js'))
  } finally {
    baseline.remove()
  }
}

async function inTurns(bench: Bench, before: string): Promise<HappyPath> {
  const pairs: { readonly before: number; readonly now: number }[] = []
  const rounds = bench.quick ? 1 : ROUNDS
  for (let round = 1; round <= rounds; round += 1) {
    bench.say(`bad days: happy path, round ${round} of ${rounds}`)
    // Who goes first changes, in case the second finds a warmer or a fuller disk.
    const [first, second] = round % 2 === 1 ? [before, NOW] : [NOW, before]
    const rates = new Map([[first, await landed(bench, first)]])
    rates.set(second, await landed(bench, second))
    pairs.push({ before: rates.get(before) ?? 0, now: rates.get(NOW) ?? 0 })
    bench.scratch.sweep()
  }
  return {
    beforePerSecond: median(pairs.map((pair) => pair.before)),
    nowPerSecond: median(pairs.map((pair) => pair.now)),
    ratio: median(pairs.map((pair) => pair.now / pair.before)),
  }
}

async function landed({ quick, scratch }: Bench, module: string): Promise<number> {
  const events = quick ? QUICK_EVENTS : EVENTS
  const job: SideJob = {
    ...{ side: 'spillway', file: scratch.newFile(), callers: CALLERS, events },
    warmup: events * WARMUP_SHARE,
  }
  return (await runChild<SideFigures>(module, job)).landedPerSecond
}
