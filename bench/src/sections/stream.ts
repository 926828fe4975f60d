// A long stream: memory must stay bounded, and a command must not get dearer because many were stored before it.

import { runChild } from '../child.js'
import { median } from '../median.js'
import type { StreamFigures, StreamJob } from '../stream-process.js'
import { atMost, count, type Section } from './section.js'

const DEPTHS = [10_000, 100_000, 1_000_000]
const QUICK_DEPTHS = [10_000, 50_000, 100_000]
const STRETCH = 25_000
const ROUNDS = 3
const RSS_MB_MAX = 256
/** What counts as flat: this much above the cost at the first depth. */
const FLAT_MAX = 1.25

export const stream: Section = async ({ quick, scratch, say }) => {
  const rounds: StreamFigures[] = []
  const depths = quick ? QUICK_DEPTHS : DEPTHS
  for (let round = 1; round <= (quick ? 1 : ROUNDS); round++) {
    say(`stream of ${count(depths.at(-1) ?? 0)} commands, round ${round}`)
    const job: StreamJob = { file: scratch.newFile(), depths, stretch: STRETCH }
    rounds.push(await runChild<StreamFigures>('./stream-process.js', job))
    scratch.sweep()
  }
  const rssPeakMb = Math.max(...rounds.map((round) => round.rssPeakMb))
  const rate = median(rounds.map((round) => round.commands / round.seconds))
  const costs = depths.map((_, at) => median(rounds.map((round) => round.costs[at]?.microseconds ?? 0)))
  return {
    title: `A stream of ${count(rounds[0]?.commands ?? 0)} commands, stored and landed`,
    table: [
      ['commands/s', 'peak RSS MB', ...depths.map((depth) => `µs each at ${count(depth)} stored`)],
      [count(rate), count(rssPeakMb), ...costs.map((cost) => cost.toFixed(1))],
    ],
    targets: [
      atMost('peak RSS', rssPeakMb, RSS_MB_MAX, 'MB'),
      atMost(
        `cost at ${count(depths.at(-1) ?? 0)} vs ${count(depths[0] ?? 0)} stored`,
        (costs.at(-1) ?? 0) / (costs[0] ?? 1),
        FLAT_MAX,
      ),
    ],
    figures: { rate, rssPeakMb, depths, costs },
  }
}
