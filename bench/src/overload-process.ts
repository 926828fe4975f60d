// Ten times as many commands as can be done, by callers who do not wait for each other: what is taken is answered soon and
// done, the rest is refused at once, and memory does not grow with what is offered.

import { createSpillway, defineCommand, isSpillwayError } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { answer, readJob } from './child.js'
import { percentiles } from './measure.js'
import { makeEvent, watchEvent } from './watch-event.js'

export interface OverloadJob {
  readonly file: string
  readonly seconds: number
}

export interface OverloadFigures {
  readonly offered: number
  readonly accepted: number
  readonly processed: number
  readonly offeredPerSecond: number
  readonly doablePerSecond: number
  readonly acceptedP99Ms: number
  readonly refusedP99Ms: number
  readonly rssGrowthMb: number
}

/** What the counterpart can do: one call of this size per this time. */
const CALL_SIZE = 200
const CALL_MS = 100
const DOABLE_PER_SECOND = (CALL_SIZE * 1_000) / CALL_MS
const OVERLOAD = 10
const DEPTH_MAX = 4_000
const TICK_MS = 5
const MB = 1024 * 1024

const { file, seconds } = readJob<OverloadJob>()
let processed = 0

const record = defineCommand({
  name: 'watch.record',
  queue: 'narrow',
  input: watchEvent,
  idempotencyKey: (event) => event.eventId,
  batch: { maxSize: CALL_SIZE },
  async handleBatch(batch) {
    await pause(CALL_MS)
    processed += batch.length
  },
})

const spillway = await createSpillway(
  {
    store: sqlite(file),
    commands: [record],
    queues: { narrow: { concurrency: 1, admission: { maxDepth: DEPTH_MAX } } },
  },
  { migrate: true },
)

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

const acceptedMs: number[] = []
const refusedMs: number[] = []

async function offer(index: number, dueAt: number): Promise<void> {
  try {
    await spillway.submit(record, makeEvent(index))
    acceptedMs.push(performance.now() - dueAt)
  } catch (error) {
    if (!isSpillwayError(error) || error.code !== 'queue_full') throw error
    refusedMs.push(performance.now() - dueAt)
  }
}

/** On time, whatever became of the ones before: a call that comes late because the process is busy counts from when it was due. */
async function flood(first: number, durationMs: number): Promise<number> {
  const startedAt = performance.now()
  const perMs = (DOABLE_PER_SECOND * OVERLOAD) / 1_000
  const underWay: Promise<void>[] = []
  for (let sent = 0; sent < durationMs * perMs; ) {
    const due = Math.min(durationMs, performance.now() - startedAt) * perMs
    for (; sent < due; sent += 1) underWay.push(offer(first + sent, startedAt + sent / perMs))
    await pause(TICK_MS)
  }
  await Promise.all(underWay)
  return underWay.length
}

let rssPeak = 0
const WARMUP_MS = 2_000
const warm = await flood(0, WARMUP_MS)
const rssBefore = process.memoryUsage.rss()
const watching = setInterval(() => {
  rssPeak = Math.max(rssPeak, process.memoryUsage.rss())
}, 100)
const acceptedBefore = acceptedMs.length
acceptedMs.length = 0
refusedMs.length = 0
const offered = await flood(warm, seconds * 1_000)
clearInterval(watching)
await spillway.drain()
const { succeeded } = await spillway.accounting()
await spillway.close()
const accepted = acceptedMs.length
if (processed !== accepted + acceptedBefore || succeeded !== processed)
  throw new Error(`${accepted + acceptedBefore} accepted, ${processed} processed, ${succeeded} succeeded`)
answer({
  offered,
  accepted,
  processed: processed - acceptedBefore,
  offeredPerSecond: offered / seconds,
  doablePerSecond: DOABLE_PER_SECOND,
  acceptedP99Ms: percentiles(Float64Array.from(acceptedMs)).ackP99Ms,
  refusedP99Ms: percentiles(Float64Array.from(refusedMs)).ackP99Ms,
  rssGrowthMb: Math.max(0, rssPeak - rssBefore) / MB,
} satisfies OverloadFigures)
