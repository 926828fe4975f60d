// What failing costs beyond being done twice: every tenth command fails once, against none.

import { runChild } from '../child.js'
import { median } from '../median.js'
import type { RetriesFigures, RetriesJob } from '../retries-process.js'
import type { Bench } from '../sections/section.js'

const ROUNDS = 5
const CALLERS = 256
const EVENTS = 60_000
const QUICK_EVENTS = 20_000
const WARMUP_SHARE = 0.25
const FAILING_EVERY = 10

export interface RetryCost {
  readonly noneSeconds: number
  readonly tenthSeconds: number
  readonly retries: number
  readonly ratio: number
}

export async function retryCost(bench: Bench): Promise<RetryCost> {
  const rounds: { readonly none: number; readonly tenth: number; readonly retries: number }[] = []
  const count = bench.quick ? 1 : ROUNDS
  for (let round = 1; round <= count; round += 1) {
    bench.say(`bad days: every tenth command fails once, round ${round} of ${count}`)
    const none = await timed(bench, null)
    const tenth = await timed(bench, FAILING_EVERY)
    rounds.push({ none: none.seconds, tenth: tenth.seconds, retries: tenth.retries })
    bench.scratch.sweep()
  }
  return {
    noneSeconds: median(rounds.map(({ none }) => none)),
    tenthSeconds: median(rounds.map(({ tenth }) => tenth)),
    retries: median(rounds.map(({ retries }) => retries)),
    ratio: median(rounds.map(({ none, tenth }) => tenth / none)),
  }
}

function timed({ quick, scratch }: Bench, failingEvery: number | null): Promise<RetriesFigures> {
  const events = quick ? QUICK_EVENTS : EVENTS
  const job: RetriesJob = {
    ...{ file: scratch.newFile(), callers: CALLERS, events, failingEvery },
    warmup: events * WARMUP_SHARE,
  }
  return runChild<RetriesFigures>('./retries-process.js', job)
}
