// What it costs Spillway to recognise repeats, and where.

import { CALLERS } from '../load-shapes.js'
import type { SideName } from '../sides/side-names.js'
import { contest, landedOf, standingsTable } from './contest.js'
import { ratio, type Section, targetAtLeast, wanted } from './section.js'

const LABELS: Readonly<Partial<Record<SideName, string>>> = {
  spillway: 'dedupe at intake',
  'spillway-effect': 'dedupe at the effect',
  'spillway-none': 'no dedupe',
  bulk: 'bulk limit',
}

export const dedupe: Section = async (bench) => {
  const entries = wanted(bench, Object.keys(LABELS) as SideName[]).map((side) => ({
    ...{ side, label: LABELS[side] ?? side },
    ...(side === 'bulk'
      ? { callers: bench.bulkCallers, api: 'bulk' as const }
      : { callers: CALLERS, api: 'single' as const }),
  }))
  const standings = await contest(bench, entries)
  const bulk = landedOf(standings, 'bulk')
  return {
    title: `Where Spillway looks for repeats, ${CALLERS} callers`,
    table: standingsTable(standings, 'bulk'),
    targets: [
      targetAtLeast('dedupe at intake vs the bulk limit', ratio(landedOf(standings, 'spillway'), bulk), 0.45),
      targetAtLeast(
        'dedupe at the effect vs the bulk limit',
        ratio(landedOf(standings, 'spillway-effect'), bulk),
        0.6,
      ),
    ],
    figures: standings,
  }
}
