// From a lone caller to a crowd: how each side's rate and answer times change with the number of concurrent callers.

import type { SideName } from '../sides/side-names.js'
import { contest, type Standing } from './contest.js'
import { PEERS } from './peers.js'
import { count, milliseconds, type Section, wantedBriefly } from './section.js'

const LEVELS = [1, 16, 2_000] as const
const SIDES: readonly SideName[] = ['spillway', 'direct', ...PEERS]

export const callers: Section = async (bench) => {
  const levels: { callers: number; standings: Standing[] }[] = []
  for (const level of LEVELS) {
    const entries = wantedBriefly(bench, SIDES).map((side) => ({
      side,
      callers: level,
      api: 'single' as const,
    }))
    levels.push({ callers: level, standings: await contest(bench, entries) })
  }
  const labels = levels[0]?.standings.map(({ label }) => label) ?? []
  return {
    title: 'Single submits by few and by many callers: landed/s, ack p50 / p99 ms',
    table: [
      ['', ...LEVELS.map((level) => `${count(level)} ${level === 1 ? 'caller' : 'callers'}`)],
      ...labels.map((label, at) => [label, ...levels.map(({ standings }) => cellOf(standings[at]))]),
    ],
    targets: [],
    figures: levels,
  }
}

function cellOf(standing: Standing | undefined): string {
  const figures = standing?.figures ?? null
  if (figures === null) return 'void'
  const { landedPerSecond, ackP50Ms, ackP99Ms } = figures
  return `${count(landedPerSecond)}; ${milliseconds(ackP50Ms)} / ${milliseconds(ackP99Ms)}`
}
