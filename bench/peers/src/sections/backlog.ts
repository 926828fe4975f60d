// A queue that is a million commands behind: as many rows land as commands are accepted, beside each other, and the time is
// that of the slower of the two. On the empty queue the same load is timed in the same turns.

import { CALLERS } from '../load-shapes.js'
import type { SideName } from '../sides/side-names.js'
import { contest, type Standing } from './contest.js'
import { PEERS } from './peers.js'
import { count, milliseconds, ratio, type Section, targetAtLeast, times, wantedBriefly } from './section.js'

const SIDES: readonly SideName[] = ['spillway', ...PEERS]

export const backlog: Section = async (bench) => {
  const sides = wantedBriefly(bench, SIDES)
  const load = { callers: CALLERS, api: 'single' } as const
  const standings = await contest(
    bench,
    sides.flatMap((side) => [
      { side, ...load },
      { side, ...load, backlog: bench.backlog },
    ]),
  )
  const pairs = sides.map((_, at) => ({
    empty: standings[2 * at] as Standing,
    behind: standings[2 * at + 1] as Standing,
  }))
  const spillway = pairs.find(({ empty }) => empty.side === 'spillway')
  return {
    title: `A backlog of ${count(bench.backlog)} commands in place, ${CALLERS} callers`,
    table: [
      ['', 'landed/s, empty queue', 'landed/s, backlog', 'ratio', 'ack p50 / p99 ms with the backlog'],
      ...pairs.map(({ empty, behind }) => rowOf(empty, behind)),
    ],
    targets: [
      targetAtLeast(
        `landed with ${count(bench.backlog)} commands in place vs the empty queue`,
        ratio(spillway?.behind.figures?.landedPerSecond, spillway?.empty.figures?.landedPerSecond),
        0.9,
      ),
    ],
    figures: pairs,
  }
}

function rowOf(empty: Standing, behind: Standing): string[] {
  const share = ratio(behind.figures?.landedPerSecond, empty.figures?.landedPerSecond)
  const shown = ({ figures }: Standing) => (figures === null ? 'void' : count(figures.landedPerSecond))
  const ack = behind.figures
  return [
    empty.label,
    shown(empty),
    shown(behind),
    share === null ? '' : times(share),
    ack === null ? '' : `${milliseconds(ack.ackP50Ms)} / ${milliseconds(ack.ackP99Ms)}`,
  ]
}
