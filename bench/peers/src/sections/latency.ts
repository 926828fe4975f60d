// Servers that are a little further away: every answer comes a millisecond later.

import { CALLERS } from '../load-shapes.js'
import type { SideName } from '../sides/side-names.js'
import { openSlowNetwork } from '../slow-network.js'
import { contest, standingsTable } from './contest.js'
import { PEERS } from './peers.js'
import { type Section, wantedBriefly } from './section.js'

const DELAY_MS = 1
const SIDES: readonly SideName[] = ['spillway', 'direct', 'bulk', ...PEERS]

export const latency: Section = async (bench) => {
  const postgres = await bench.bed.postgres()
  const redis = await bench.bed.redis()
  const network = await openSlowNetwork([postgres.port, redis.port], DELAY_MS)
  try {
    const addedMs = await network.addedMs(postgres.url)
    const standings = await contest(
      bench,
      wantedBriefly(bench, SIDES).map((side) => ({
        ...{ side, via: network.via },
        ...(side === 'bulk'
          ? { callers: bench.bulkCallers, api: 'bulk' as const }
          : { callers: CALLERS, api: 'single' as const }),
      })),
    )
    return {
      title: `${DELAY_MS} ms more per round trip (${addedMs.toFixed(2)} ms measured), ${CALLERS} callers`,
      table: standingsTable(standings),
      targets: [],
      figures: { addedMs, standings },
    }
  } finally {
    await network.close()
  }
}
