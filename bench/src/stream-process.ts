// A million commands through one process: stored, landed, and kept by the store as finished commands. At certain depths a
// stretch of the stream is timed to its last row. Peak memory is the operating system's word, not a sample.

import { answer, readJob } from './child.js'
import { openTable } from './database.js'
import { secondsSince } from './measure.js'
import { openSpillway } from './open-spillway.js'
import { makeEvent, recordWatch, type WatchEvent } from './watch-event.js'

export interface StreamJob {
  readonly file: string
  /** Commands stored before each timed stretch, ascending. */
  readonly depths: readonly number[]
  /** Commands of a timed stretch. */
  readonly stretch: number
}

export interface StreamFigures {
  readonly commands: number
  readonly seconds: number
  readonly rssPeakMb: number
  readonly costs: readonly { readonly stored: number; readonly microseconds: number }[]
}

const EVENTS_PER_USER = 64

const { file, depths, stretch } = readJob<StreamJob>()
openTable(file).close()
const spillway = await openSpillway(file)
const costs: { stored: number; microseconds: number }[] = []
let sent = 0

async function through(commands: number): Promise<number> {
  const startedAt = performance.now()
  const report = await spillway.submitStream(recordWatch, eventsFrom(sent, commands))
  await spillway.drain()
  if (report.accepted !== commands)
    throw new Error(`${report.accepted} of ${commands} commands were accepted`)
  sent += commands
  return secondsSince(startedAt)
}

/**
 * Events of a user come one after the other here. With users at random the table's own index gets dearer by the row, also
 * for a plain bulk insert, and the stretches would time that instead of Spillway.
 */
function* eventsFrom(first: number, size: number): Generator<WatchEvent> {
  for (let index = first; index < first + size; index++) {
    yield { ...makeEvent(index), userId: Math.floor(index / EVENTS_PER_USER) }
  }
}

const startedAt = performance.now()
for (const depth of depths) {
  await through(depth - sent)
  const seconds = await through(stretch)
  costs.push({ stored: depth, microseconds: (seconds / stretch) * 1_000_000 })
}
const seconds = secondsSince(startedAt)
await spillway.close()
answer({
  commands: sent,
  seconds,
  rssPeakMb: process.resourceUsage().maxRSS / 1_024,
  costs,
} satisfies StreamFigures)
