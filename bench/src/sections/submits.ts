// Single submits that land in the user's table, against one INSERT and commit per request (a) and against bulk inserts
// without a queue (b), at the same number of concurrent callers. The sides take turns within every round.

import { runChild } from '../child.js'
import type { SideFigures } from '../measure.js'
import { mediansOf } from '../median.js'
import type { SideJob } from '../side-process.js'
import type { SideName } from '../sides/index.js'
import {
  atLeast,
  atMost,
  type Bench,
  count,
  milliseconds,
  type Section,
  type Target,
  times,
} from './section.js'

const CALLERS = [1, 16, 256, 2_000] as const
const ROUNDS = 5
const ORDER: readonly SideName[] = ['single', 'spillway', 'bulk']

/** Events per run: enough for a second or so on the slowest machine worth measuring. */
const EVENTS: Readonly<Record<SideName, (callers: number) => number>> = {
  single: (callers) => Math.max(8_000, callers * 8),
  spillway: (callers) => (callers === 1 ? 8_000 : callers === 16 ? 20_000 : 60_000),
  bulk: () => 60_000,
}
const WARMUP_SHARE = 0.25
const QUICK_SHARE = 0.25

interface Level {
  readonly callers: number
  readonly sides: Readonly<Record<SideName, SideFigures>>
}

export const submits: Section = async (bench) => {
  const levels: Level[] = []
  for (const callers of CALLERS) levels.push(await runLevel(bench, callers))
  return {
    title: 'Single submits, landed in the table',
    table: [
      [
        'callers',
        '(a) landed/s',
        '(b) landed/s',
        'spillway landed/s',
        'vs (a)',
        'vs (b)',
        '(a) ack p50 / p99 ms',
        'spillway ack p50 / p99 ms',
        'landed at the last ack',
      ],
      ...levels.map(rowOf),
    ],
    targets: targetsOf(levels),
    figures: levels,
  }
}

async function runLevel(bench: Bench, callers: number): Promise<Level> {
  const runs: Record<SideName, SideFigures[]> = { single: [], spillway: [], bulk: [] }
  const rounds = bench.quick ? 1 : ROUNDS
  for (let round = 1; round <= rounds; round++) {
    for (const side of ORDER) {
      bench.say(`submits, ${count(callers)} callers, round ${round} of ${rounds}: ${side}`)
      runs[side].push(await runSide(bench, side, callers))
    }
    bench.scratch.sweep()
  }
  return {
    callers,
    sides: { single: mediansOf(runs.single), spillway: mediansOf(runs.spillway), bulk: mediansOf(runs.bulk) },
  }
}

function runSide(bench: Bench, side: SideName, callers: number): Promise<SideFigures> {
  const events = EVENTS[side](callers) * (bench.quick ? QUICK_SHARE : 1)
  const job: SideJob = { side, file: bench.scratch.newFile(), callers, warmup: events * WARMUP_SHARE, events }
  return runChild<SideFigures>('./side-process.js', job)
}

function rowOf({ callers, sides: { single, bulk, spillway } }: Level): string[] {
  return [
    count(callers),
    count(single.landedPerSecond),
    count(bulk.landedPerSecond),
    count(spillway.landedPerSecond),
    times(spillway.landedPerSecond / single.landedPerSecond),
    times(spillway.landedPerSecond / bulk.landedPerSecond),
    `${milliseconds(single.ackP50Ms)} / ${milliseconds(single.ackP99Ms)}`,
    `${milliseconds(spillway.ackP50Ms)} / ${milliseconds(spillway.ackP99Ms)}`,
    `${Math.round(spillway.landedAtLastAck * 100)}%`,
  ]
}

function targetsOf(levels: readonly Level[]): Target[] {
  const at = (callers: number) => (levels.find((level) => level.callers === callers) as Level).sides
  const lone = at(1)
  const many = at(256)
  const most = at(2_000)
  return [
    atLeast('256 callers, landed vs (a)', many.spillway.landedPerSecond / many.single.landedPerSecond, 6),
    atLeast('256 callers, landed vs (b)', many.spillway.landedPerSecond / many.bulk.landedPerSecond, 0.25),
    atLeast('2,000 callers, landed vs (b)', most.spillway.landedPerSecond / most.bulk.landedPerSecond, 0.4),
    atMost('256 callers, ack p99 vs (a)', many.spillway.ackP99Ms / many.single.ackP99Ms, 1),
    atMost('2,000 callers, ack p99 vs (a)', most.spillway.ackP99Ms / most.single.ackP99Ms, 1),
    atMost('one caller, ack p50 vs (a)', lone.spillway.ackP50Ms / lone.single.ackP50Ms, 1.5),
  ]
}
