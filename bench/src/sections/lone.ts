// One lone caller: from the call to the row in the table.

import { runChild } from '../child.js'
import type { LoneFigures, LoneJob } from '../lone-process.js'
import { mediansOf } from '../median.js'
import { atMost, milliseconds, type Section } from './section.js'

const ROUNDS = 3
const EVENTS = 2_000
const WARMUP = 500
const LANDED_P50_MS_MAX = 10

export const lone: Section = async ({ quick, scratch, say }) => {
  const rounds: LoneFigures[] = []
  for (let round = 1; round <= (quick ? 1 : ROUNDS); round++) {
    say(`lone caller, round ${round}`)
    const job: LoneJob = { file: scratch.newFile(), warmup: WARMUP, events: EVENTS }
    rounds.push(await runChild<LoneFigures>('./lone-process.js', job))
    scratch.sweep()
  }
  const figures = mediansOf(rounds)
  return {
    title: 'A lone caller, from the call to the readable row',
    table: [
      ['landed p50 ms', 'landed p99 ms'],
      [milliseconds(figures.landedP50Ms), milliseconds(figures.landedP99Ms)],
    ],
    targets: [atMost('landed p50', figures.landedP50Ms, LANDED_P50_MS_MAX, 'ms')],
    figures,
  }
}
