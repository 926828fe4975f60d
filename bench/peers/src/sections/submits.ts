// The main comparison: single submits by 256 concurrent callers until the last row is in the user's table.

import { CALLERS } from '../load-shapes.js'
import type { SideName } from '../sides/side-names.js'
import { bestOf, contest, type Entry, figuresOf, landedOf, type Standing, standingsTable } from './contest.js'
import { COALESCING_PEERS, PEERS } from './peers.js'
import { ratio, type Section, type Target, targetAtLeast, targetAtMost, wanted } from './section.js'

const SIDES: readonly SideName[] = [
  'spillway',
  'direct',
  'bulk',
  'spillway-effect',
  ...PEERS,
  ...COALESCING_PEERS,
]

export const submits: Section = async (bench) => {
  const entries = wanted(bench, SIDES).map((side) => entryOf(side, bench.bulkCallers))
  const standings = await contest(bench, entries)
  return {
    title: `Single submits, ${CALLERS} callers, until the last row has landed`,
    table: standingsTable(standings),
    targets: targetsOf(standings),
    figures: standings,
  }
}

function entryOf(side: SideName, bulkCallers: number): Entry {
  return side === 'bulk'
    ? { side, callers: bulkCallers, api: 'bulk' }
    : { side, callers: CALLERS, api: 'single' }
}

function targetsOf(standings: readonly Standing[]): Target[] {
  const spillway = figuresOf(standings, 'spillway')
  const landed = spillway?.landedPerSecond
  const direct = figuresOf(standings, 'direct')
  const bulk = landedOf(standings, 'bulk')
  return [
    targetAtLeast('landed vs the best peer', ratio(landed, bestOf(standings, PEERS)), 12),
    targetAtLeast('landed vs direct INSERT', ratio(landed, direct?.landedPerSecond), 4),
    targetAtLeast('landed vs the bulk limit', ratio(landed, bulk), 0.45),
    targetAtMost('ack p99 vs direct INSERT', ratio(spillway?.ackP99Ms, direct?.ackP99Ms), 0.5),
    targetAtLeast(
      'dedupe at the effect, landed vs the bulk limit',
      ratio(landedOf(standings, 'spillway-effect'), bulk),
      0.6,
    ),
  ]
}
