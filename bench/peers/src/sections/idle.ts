// Nothing is going on, one command comes: from its acknowledgement in one process to the start of its handler in another.

import { percentiles } from 'spillway-bench/measure'
import { onFreshSite } from '../arena.js'
import { takeTurns } from '../rounds.js'
import type { Moment } from '../side-actions.js'
import { loadSide } from '../sides/index.js'
import type { SideName } from '../sides/side-names.js'
import { verify } from '../verify.js'
import { milliseconds, type PeersBench, type Section, targetAtMost, wanted } from './section.js'

const SIDES: readonly SideName[] = [
  'spillway',
  'bullmq',
  'bullmq-postgres',
  'pg-boss-notified',
  'graphile-eager',
]
const WARMUP_EVENTS = 10
const EVENTS = 100
const QUICK_EVENTS = 20
const PAUSE_MS = 40
/** Until the last handler has run, however seldom its worker looks. */
const LAST_LOOK_MS = 2_000

interface IdleFigures {
  readonly startP50Ms: number
  readonly startP99Ms: number
}

export const idle: Section = async (bench) => {
  const sides = wanted(bench, SIDES)
  const contestants = await Promise.all(
    sides.map(async (side) => ({ label: (await loadSide(side)).title, run: () => idleRun(bench, side) })),
  )
  const results = await takeTurns(contestants, bench.rounds, bench.say)
  const spillway = results[sides.indexOf('spillway')]?.figures
  return {
    title: 'Idle: from the acknowledgement in one process to the start of the handler in another, ms',
    table: [
      ['', 'p50', 'p99'],
      ...results.map(({ label, figures }) =>
        figures === null
          ? [label, 'void', '']
          : [label, milliseconds(figures.startP50Ms), milliseconds(figures.startP99Ms)],
      ),
    ],
    targets: [
      targetAtMost('idle, commit to start of the handler, p50', spillway?.startP50Ms ?? null, 5, 'ms'),
    ],
    figures: results,
  }
}

function idleRun(bench: PeersBench, side: SideName): Promise<IdleFigures> {
  const events = WARMUP_EVENTS + (bench.quick ? QUICK_EVENTS : EVENTS)
  return onFreshSite(bench.bed, side, async (site) => {
    const worker = site.start({ role: 'work', timesHandlers: true })
    await worker.ask('install', null)
    await worker.ask('open', null)
    const caller = site.start({ role: 'submit' })
    await caller.ask('open', null)
    const acks = await caller.ask('trickle', { first: 0, events, pauseMs: PAUSE_MS })
    await new Promise((resolve) => setTimeout(resolve, LAST_LOOK_MS))
    const started = await worker.ask('started', null)
    await caller.ask('close', null)
    const written = await worker.ask('close', null)
    verify(await site.content(), events, written)
    const { ackP50Ms, ackP99Ms } = percentiles(delaysMs(acks, started))
    return { startP50Ms: ackP50Ms, startP99Ms: ackP99Ms }
  })
}

/** A handler that begins before the acknowledgement has reached the caller began at once. */
function delaysMs(acks: readonly Moment[], started: readonly Moment[]): Float64Array {
  const startOf = new Map(started)
  const timed = acks.slice(WARMUP_EVENTS)
  return Float64Array.from(timed, ([index, at]) => Math.max(0, (startOf.get(index) ?? Number.NaN) - at))
}
