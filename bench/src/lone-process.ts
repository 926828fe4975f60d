// One caller, one event at a time: how long until its row can be read by somebody else. A connection of its own looks for
// the row on every turn of the event loop, and the next event is only sent when it is there.

import { answer, readJob } from './child.js'
import { openTable } from './database.js'
import { makeLoad, percentiles } from './measure.js'
import { openSpillway } from './open-spillway.js'
import { recordWatch } from './watch-event.js'

export interface LoneJob {
  readonly file: string
  readonly warmup: number
  readonly events: number
}

export interface LoneFigures {
  readonly landedP50Ms: number
  readonly landedP99Ms: number
}

const { file, warmup, events } = readJob<LoneJob>()
const table = openTable(file)
const find = table.prepare('SELECT 1 FROM watch_events WHERE event_id = ?')
const spillway = await openSpillway(file)
const durationsMs = new Float64Array(events)

for (const [index, event] of makeLoad(1, 0, warmup + events).events.entries()) {
  const startedAt = performance.now()
  await spillway.submit(recordWatch, event)
  while (find.get(event.eventId) === undefined) await nextTurn()
  if (index >= warmup) durationsMs[index - warmup] = performance.now() - startedAt
}
await spillway.close()
table.close()
const { ackP50Ms, ackP99Ms } = percentiles(durationsMs)
answer({ landedP50Ms: ackP50Ms, landedP99Ms: ackP99Ms } satisfies LoneFigures)

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}
