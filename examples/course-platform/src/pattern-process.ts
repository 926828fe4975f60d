// One pattern in a process of its own: measured without neighbours, and killed for real.
// Arguments: measure | until-killed | recover, pattern, clicks, callers, ack file.

import { openAckLog } from './ack-log.js'
import { ownLocation } from './child.js'
import type { Click } from './clicks.js'
import { PATTERNS, type PatternName, type RunningPattern } from './patterns/index.js'
import { readClicks } from './real-clicks.js'
import { type Answer, replay } from './replay.js'

export interface Measured {
  /** Clicks sent: the first so many. */
  readonly clicks: number
  readonly acceptedPerSecond: number
  readonly landedPerSecond: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
}

const [mode, name, clickCount, callers, ackFile] = process.argv.slice(2) as [
  'measure' | 'until-killed' | 'recover',
  PatternName,
  string,
  string,
  string,
]

/** Long enough for a steady rate; a pattern that commits click by click would take minutes for all of them. */
const MEASURE_MS = 4_000

async function measure(pattern: RunningPattern, clicks: readonly Click[]): Promise<Measured> {
  const startedAt = performance.now()
  const options = { callers: Number(callers), forMs: MEASURE_MS }
  const { sent, seconds, ack } = await replay(clicks, options, (click) => recorded(pattern, click))
  await pattern.settled()
  const landedSeconds = (performance.now() - startedAt) / 1_000
  return {
    clicks: sent,
    acceptedPerSecond: sent / seconds,
    landedPerSecond: sent / landedSeconds,
    ackP50Ms: ack.p50Ms,
    ackP99Ms: ack.p99Ms,
  }
}

async function untilKilled(pattern: RunningPattern, clicks: readonly Click[]): Promise<void> {
  const acks = openAckLog(ackFile)
  const indexes = new Map(clicks.map((click, index) => [click.id, index]))
  await replay(clicks, { callers: Number(callers) }, async (click) => {
    const answer = await recorded(pattern, click)
    acks.add(indexes.get(click.id) as number)
    return answer
  })
  acks.close()
}

async function recorded(pattern: RunningPattern, click: Click): Promise<Answer> {
  await pattern.record(click)
  return 'accepted'
}

const pattern = await PATTERNS[name].open(ownLocation())
if (mode === 'measure') process.send?.(await measure(pattern, readClicks(Number(clickCount))))
if (mode === 'until-killed') await untilKilled(pattern, readClicks(Number(clickCount)))
await pattern.settled()
await pattern.close()
process.disconnect?.()
