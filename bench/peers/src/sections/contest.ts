// Several sides under the same load, in turns, and the table of what came out.

import { perCommand, type RunFigures } from '../per-command.js'
import { type PlainRun, plainRun } from '../plain-run.js'
import { type Result, takeTurns } from '../rounds.js'
import { loadSide } from '../sides/index.js'
import type { SideName } from '../sides/side-names.js'
import { count, milliseconds, type PeersBench, times } from './section.js'

export interface Entry extends Omit<PlainRun, 'seconds'> {
  readonly label?: string
}

export type Standing = Result<RunFigures> & { readonly side: SideName }

export async function contest(bench: PeersBench, entries: readonly Entry[]): Promise<Standing[]> {
  const contestants = await Promise.all(
    entries.map(async (entry) => ({
      label: entry.label ?? (await loadSide(entry.side)).title,
      run: async () => perCommand(await plainRun(bench.bed, { ...entry, seconds: bench.seconds })),
    })),
  )
  const results = await takeTurns(contestants, bench.rounds, bench.say)
  return results.map((result, index) => ({ ...result, side: (entries[index] as Entry).side }))
}

export function figuresOf(standings: readonly Standing[], side: SideName): RunFigures | undefined {
  return standings.find((standing) => standing.side === side)?.figures ?? undefined
}

export function landedOf(standings: readonly Standing[], side: SideName): number | undefined {
  return figuresOf(standings, side)?.landedPerSecond
}

/** The highest landed/s among the sides. */
export function bestOf(standings: readonly Standing[], sides: readonly SideName[]): number | undefined {
  const rates = sides.map((side) => landedOf(standings, side)).filter((rate) => rate !== undefined)
  return rates.length === 0 ? undefined : Math.max(...rates)
}

const HEADER = [
  '',
  'landed/s',
  'vs direct',
  'ack p50 / p99 ms',
  'CPU µs per command: process + servers',
  'log bytes per command: database + Redis',
]

/** `base` is the side that the ratios are to. */
export function standingsTable(standings: readonly Standing[], base: SideName = 'direct'): string[][] {
  const baseRate = landedOf(standings, base)
  const header = base === 'bulk' ? HEADER.map((cell) => cell.replace('direct', 'bulk limit')) : HEADER
  return [header, ...standings.map((standing) => rowOf(standing, baseRate))]
}

function rowOf({ label, figures, runs, voids }: Standing, baseRate: number | undefined): string[] {
  const name =
    voids.length === 0 ? label : `${label} (${voids.length} of ${runs.length + voids.length} runs void)`
  if (figures === null) return [name, 'void', '', '', '', '']
  return [
    name,
    count(figures.landedPerSecond),
    baseRate === undefined ? '' : times(figures.landedPerSecond / baseRate),
    `${milliseconds(figures.ackP50Ms)} / ${milliseconds(figures.ackP99Ms)}`,
    `${figures.processCpuUs.toFixed(0)} + ${figures.serversCpuUs.toFixed(0)}`,
    figures.redisLogBytes > 0
      ? `${count(figures.logBytes)} + ${count(figures.redisLogBytes)}`
      : count(figures.logBytes),
  ]
}
