// Poison isolation. When a batch fails on its data, it is halved until the bad commands stand alone and all others have
// succeeded: one bad command in 1,000 costs at most 21 executions. Transient faults are never bisected, and a batch in
// which everything fails is recognised after a few commands failed alone.

import { BISECT_EXECUTIONS_MAX, type Exception, type Outcome } from '../domain/index.js'
import type { Outcomes, Plan, Slice, Trial } from './trial.js'

/** Commands that may fail alone, with none having succeeded, before the rest is taken to fail as well. */
export const LONE_FAILURES_MAX = 8
/** From this many on, the next command tried alone is taken from elsewhere: neighbours may share what is wrong with them. */
const LONE_FAILURES_SUSPICIOUS = 2

interface Suspect extends Slice {
  /** The slice it was split from failed and its other half did not: the fault is in here, no need to try it whole. */
  guilty: boolean
  /** The other half, when it is waiting for the verdict on this one. */
  readonly twin: Suspect | null
}

/** Tries all, then searches. What could not be tried alone any more keeps the exception of the last try it was part of. */
export function* bisect(count: number, executionsMax: number = BISECT_EXECUTIONS_MAX): Plan {
  const whole = yield { from: 0, to: count }
  if (whole.ok) return whole.outcomes
  const { exception } = whole
  const found = new Array<Outcome | null>(count).fill(exception)
  if (exception.fault === 'data' && count > 1) yield* search(found, executionsMax - 1)
  return found
}

/** Every command on its own, whatever becomes of the others. */
export function* oneByOne(count: number): Plan {
  let found: (Outcome | null)[] | null = null
  for (let at = 0; at < count; at += 1) {
    const slice = { from: at, to: at + 1 }
    const trial = yield slice
    if (trial.ok && trial.outcomes === null) continue
    found ??= new Array<Outcome | null>(count).fill(null)
    note(found, slice, trial)
  }
  return found
}

function* search(found: (Outcome | null)[], executionsMax: number): Plan {
  const waiting = halves({ from: 0, to: found.length })
  let landed = false
  let alone = 0
  for (let executions = 0; executions < executionsMax; ) {
    if (!landed && alone >= LONE_FAILURES_MAX) break
    const suspect = landed || alone < LONE_FAILURES_SUSPICIOUS ? waiting.pop() : probe(waiting)
    if (suspect === undefined) break
    const size = suspect.to - suspect.from
    if (suspect.guilty && size > 1) {
      waiting.push(...halves(suspect))
      continue
    }
    executions += 1
    const trial = yield suspect
    note(found, suspect, trial)
    if (trial.ok) {
      landed = true
      if (suspect.twin !== null) suspect.twin.guilty = true
    } else if (trial.exception.fault === 'transient') {
      for (const rest of waiting) fill(found, rest, trial.exception)
      break
    } else if (size === 1) alone += 1
    else if (trial.exception.fault === 'data') waiting.push(...halves(suspect))
  }
  return found
}

/** The left half comes last, so that it is taken from the stack first. */
function halves({ from, to }: Slice): [right: Suspect, left: Suspect] {
  const middle = (from + to) >>> 1
  const right: Suspect = { from: middle, to, guilty: false, twin: null }
  return [right, { from, to: middle, guilty: false, twin: right }]
}

/** One command out of the middle of the largest waiting slice, which is replaced by what is left of it. */
function probe(waiting: Suspect[]): Suspect | undefined {
  let largest = 0
  for (const [at, { from, to }] of waiting.entries()) {
    const { from: otherFrom, to: otherTo } = waiting[largest] as Suspect
    if (to - from > otherTo - otherFrom) largest = at
  }
  const [slice] = waiting.splice(largest, 1)
  if (slice === undefined) return undefined
  const middle = (slice.from + slice.to) >>> 1
  const around: Slice[] = [
    { from: middle + 1, to: slice.to },
    { from: slice.from, to: middle },
  ]
  for (const { from, to } of around) if (from < to) waiting.push({ from, to, guilty: false, twin: null })
  return { from: middle, to: middle + 1, guilty: false, twin: null }
}

function note(found: (Outcome | null)[], slice: Slice, trial: Trial): void {
  if (!trial.ok) fill(found, slice, trial.exception)
  else place(found, slice, trial.outcomes)
}

function fill(found: (Outcome | null)[], { from, to }: Slice, exception: Exception): void {
  found.fill(exception, from, to)
}

function place(found: (Outcome | null)[], { from, to }: Slice, outcomes: Outcomes | null): void {
  for (let at = from; at < to; at += 1) found[at] = outcomes?.[at - from] ?? null
}
