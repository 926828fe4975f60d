// The same main comparison on MariaDB, with what it has to be held against there.

import { CALLERS } from '../load-shapes.js'
import type { SideName } from '../sides/side-names.js'
import { contest, figuresOf, landedOf, standingsTable } from './contest.js'
import { ratio, type Section, targetAtLeast, wanted } from './section.js'

const SIDES: readonly SideName[] = ['mariadb-spillway', 'mariadb-direct', 'mariadb-bulk']

export const mariadb: Section = async (bench) => {
  const standings = await contest(
    bench,
    wanted(bench, SIDES).map((side) =>
      side === 'mariadb-bulk'
        ? { side, callers: bench.bulkCallers, api: 'bulk' as const }
        : { side, callers: CALLERS, api: 'single' as const },
    ),
  )
  const landed = figuresOf(standings, 'mariadb-spillway')?.landedPerSecond
  return {
    title: `MariaDB: single submits, ${CALLERS} callers, until the last row has landed`,
    table: standingsTable(standings, 'mariadb-direct'),
    targets: [
      targetAtLeast(
        'MariaDB, landed vs direct INSERT',
        ratio(landed, landedOf(standings, 'mariadb-direct')),
        4,
      ),
      targetAtLeast(
        'MariaDB, landed vs the bulk limit',
        ratio(landed, landedOf(standings, 'mariadb-bulk')),
        0.3,
      ),
    ],
    figures: standings,
  }
}
