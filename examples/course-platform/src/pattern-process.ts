// One pattern in a process of its own: measured without neighbours, and killed for real. It does the jobs it is sent, one after the
// other, until the channel to it is closed. Arguments: pattern, clicks, callers, ack file.

import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { openAckLog } from './ack-log.js'
import type { Click } from './clicks.js'
import { PATTERNS, type PatternName } from './patterns/index.js'
import { readClicks } from './real-clicks.js'
import { type Answer, replay } from './replay.js'
import { ownSite } from './site.js'

export interface Measured {
  /** Clicks sent: the first so many. */
  readonly clicks: number
  readonly acceptedPerSecond: number
  readonly landedPerSecond: number
  readonly ackP50Ms: number
  readonly ackP99Ms: number
}

export type PatternJob =
  /** Sends clicks for a while, and waits until they have landed. Answered with `Measured`. */
  | { readonly kind: 'measure' }
  /** Sends clicks `from` up to `to` for a while, each until it is answered with yes, and notes those answers. */
  | { readonly kind: 'load'; readonly from: number; readonly to: number }
  /** Waits until everything that still can land has landed. */
  | { readonly kind: 'settle' }

export type PatternReply = Measured | { readonly kind: 'ready' | 'loaded' | 'settled' }

const [name, clickCount, callersText, ackFile] = process.argv.slice(2) as [
  PatternName,
  string,
  string,
  string,
]
const CALLERS = Number(callersText)

/** Long enough for a steady rate; a pattern that commits click by click would take minutes for all of them. */
const MEASURE_MS = 2_000
const LOAD_MS = 2_000
/** A load that everybody is through with in one round would be over before the kill. */
const ROUNDS_MIN = 16
/** What was refused is sent again, as a client does; a part that is killed comes back in much less time. */
const AGAIN_AFTER_MS = 50
const AGAIN_FOR_MS = 60_000

const pattern = await PATTERNS[name].open(ownSite())
const clicks = readClicks(Number(clickCount))

async function measure(): Promise<Measured> {
  const startedAt = performance.now()
  const { sent, seconds, ack } = await replay(clicks, { callers: CALLERS, forMs: MEASURE_MS }, recorded)
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

async function load(from: number, to: number): Promise<PatternReply> {
  const acks = openAckLog(ackFile)
  const indexes = new Map(clicks.slice(from, to).map(({ id }, at) => [id, from + at]))
  const callers = Math.max(1, Math.min(CALLERS, Math.floor((to - from) / ROUNDS_MIN)))
  await replay(clicks.slice(from, to), { callers, forMs: LOAD_MS }, async (click) => {
    const answer = await insisted(click)
    acks.add(indexes.get(click.id) as number)
    return answer
  })
  acks.close()
  return { kind: 'loaded' }
}

async function insisted(click: Click): Promise<Answer> {
  const startedAt = performance.now()
  for (;;) {
    try {
      return await recorded(click)
    } catch (error) {
      if (performance.now() - startedAt > AGAIN_FOR_MS) throw error
      await sleep(AGAIN_AFTER_MS)
    }
  }
}

async function recorded(click: Click): Promise<Answer> {
  await pattern.record(click)
  return 'accepted'
}

async function work(job: PatternJob): Promise<PatternReply> {
  switch (job.kind) {
    case 'measure':
      return measure()
    case 'load':
      return load(job.from, job.to)
    case 'settle':
      await pattern.settled()
      return { kind: 'settled' }
  }
}

process.on('message', async (job: PatternJob) => {
  const reply = await work(job)
  process.send?.(reply)
})
process.send?.({ kind: 'ready' } satisfies PatternReply)
if (process.connected) await once(process, 'disconnect')
await pattern.close()
