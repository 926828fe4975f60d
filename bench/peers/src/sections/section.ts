// What a section gets to work with and hands back, and targets whose figure may be missing because every run was void.

import { atLeast, atMost, type SectionResult, type Target } from 'spillway-bench/section'
import type { Bed } from '../bed.js'
import type { SideName } from '../sides/side-names.js'

export { count, milliseconds, type SectionResult, type Target, times } from 'spillway-bench/section'

export interface PeersBench {
  readonly bed: Bed
  readonly quick: boolean
  readonly rounds: number
  /** Of one timed load, about. */
  readonly seconds: number
  /** Commands in place in the backlog section. */
  readonly backlog: number
  /** Connections that write the bulk limit at once. */
  readonly bulkCallers: number
  /** Which sides to run; null = all. */
  readonly sides: ReadonlySet<SideName> | null
  readonly say: (text: string) => void
}

export type Section = (bench: PeersBench) => Promise<SectionResult>

export function wanted(bench: PeersBench, sides: readonly SideName[]): SideName[] {
  return sides.filter((side) => bench.sides === null || bench.sides.has(side))
}

/** Left out of a quick run's longer sections. */
const NOT_IN_BRIEF: readonly SideName[] = ['bullmq-always', 'bullmq-postgres', 'graphile-worker']

/** The same, for sections that run every side several times: a quick run has fewer of them. */
export function wantedBriefly(bench: PeersBench, sides: readonly SideName[]): SideName[] {
  return wanted(bench, sides).filter((side) => !bench.quick || !NOT_IN_BRIEF.includes(side))
}

/** Null when one of the two has no figure. */
export function ratio(of: number | undefined, to: number | undefined): number | null {
  return of === undefined || to === undefined || to === 0 ? null : of / to
}

export function targetAtLeast(what: string, measured: number | null, limit: number, unit = 'x'): Target {
  return measured === null ? missing(atLeast(what, 0, limit, unit)) : atLeast(what, measured, limit, unit)
}

export function targetAtMost(what: string, measured: number | null, limit: number, unit = 'x'): Target {
  return measured === null ? missing(atMost(what, 0, limit, unit)) : atMost(what, measured, limit, unit)
}

function missing(target: Target): Target {
  return { ...target, measured: 'not measured', met: false }
}
