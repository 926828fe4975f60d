// Everybody with the bulk API of their own, and Spillway with single submits among them.

import { BULK_API_CALLERS, CALLERS } from '../load-shapes.js'
import type { SideName } from '../sides/side-names.js'
import { BULK_ROWS } from '../tables.js'
import { contest, type Entry, type Standing, standingsTable } from './contest.js'
import { COALESCING_PEERS, PEERS } from './peers.js'
import { count, ratio, type Section, targetAtLeast, wanted } from './section.js'

const SINGLE = 'Spillway, single submits'

export const bulkApi: Section = async (bench) => {
  const bulk = (side: SideName, label?: string): Entry => ({
    ...{ side, callers: side === 'bulk' ? bench.bulkCallers : BULK_API_CALLERS, api: 'bulk' },
    ...(label === undefined ? {} : { label }),
  })
  const own = wanted(bench, ['spillway']).flatMap((side): Entry[] => [
    { side, callers: CALLERS, api: 'single', label: SINGLE },
    bulk(side, 'Spillway, submitMany'),
  ])
  const others = wanted(bench, ['bulk', ...PEERS, ...COALESCING_PEERS]).map((side) => bulk(side))
  const standings = await contest(bench, [...own, ...others])
  return {
    title: `Everybody's own bulk API: ${BULK_API_CALLERS} callers, ${count(BULK_ROWS)} at a time`,
    table: standingsTable(standings, 'bulk'),
    targets: [
      targetAtLeast(
        "single submits vs the best peer's bulk API",
        ratio(single(standings), best(standings)),
        1,
      ),
    ],
    figures: standings,
  }
}

function single(standings: readonly Standing[]): number | undefined {
  return standings.find(({ label }) => label === SINGLE)?.figures?.landedPerSecond
}

function best(standings: readonly Standing[]): number | undefined {
  const peers: readonly SideName[] = PEERS
  const rates = standings.filter(({ side }) => peers.includes(side)).flatMap(({ figures }) => figures ?? [])
  return rates.length === 0 ? undefined : Math.max(...rates.map(({ landedPerSecond }) => landedPerSecond))
}
