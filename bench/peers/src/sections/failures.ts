// Commands that fail at their first execution and succeed at the second, at once where the queue allows that.

import { CALLERS } from '../load-shapes.js'
import type { SideName } from '../sides/side-names.js'
import { contest, type Standing } from './contest.js'
import { count, type Section, wantedBriefly } from './section.js'

const PERCENTS = [1, 10, 50] as const
const SIDES: readonly SideName[] = ['spillway', 'bullmq', 'bullmq-postgres', 'pg-boss', 'graphile-worker']

export const failures: Section = async (bench) => {
  const levels: { percent: number; standings: Standing[] }[] = []
  for (const percent of PERCENTS) {
    const entries = wantedBriefly(bench, SIDES).map((side) => ({
      ...{ side, callers: CALLERS, api: 'single' as const, failPercent: percent },
    }))
    levels.push({ percent, standings: await contest(bench, entries) })
  }
  const labels = levels[0]?.standings.map(({ label }) => label) ?? []
  return {
    title:
      'Landed/s when some commands fail once (graphile-worker waits e seconds before a first retry, which cannot be set)',
    table: [
      ['', ...PERCENTS.map((percent) => `${percent}% fail`)],
      ...labels.map((label, at) => [label, ...levels.map(({ standings }) => cellOf(standings[at]))]),
    ],
    targets: [],
    figures: levels,
  }
}

function cellOf(standing: Standing | undefined): string {
  const figures = standing?.figures ?? null
  return figures === null ? 'void' : count(figures.landedPerSecond)
}
