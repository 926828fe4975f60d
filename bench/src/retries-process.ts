// Commands of which a share fails once and succeeds when it is tried again: how long until all have landed.

import { createSpillway, defineCommand, retry } from 'spillway'
import { sqlite } from 'spillway/sqlite'
import { answer, readJob } from './child.js'
import { openTable } from './database.js'
import { makeLoad, secondsSince, withCallers } from './measure.js'
import { insertSql, rowOf, type WatchEvent, watchEvent } from './watch-event.js'

export interface RetriesJob {
  readonly file: string
  readonly callers: number
  readonly warmup: number
  readonly events: number
  /** Every so many commands fail once; null = none. */
  readonly failingEvery: number | null
}

export interface RetriesFigures {
  readonly seconds: number
  readonly retries: number
}

const LOOK_EVERY_MS = 5

const { file, callers, warmup, events, failingEvery } = readJob<RetriesJob>()
const table = openTable(file)
const insert = table.prepare(insertSql(1))
let landed = 0
let retries = 0

const record = defineCommand({
  name: 'watch.record',
  input: watchEvent,
  idempotencyKey: (event) => event.eventId,
  batch: { maxSize: 1_000 },
  retry: { backoff: { type: 'fixed', delay: 10, jitter: 'none' } },
  handleBatch(batch, { commands }) {
    const outcomes = batch.map((event, at) => (failsNow(event, commands[at]?.attempt ?? 1) ? AGAIN : null))
    table.exec('BEGIN IMMEDIATE')
    for (const [at, event] of batch.entries()) if (outcomes[at] === null) insert.run(...rowOf(event))
    table.exec('COMMIT')
    const failed = outcomes.filter((outcome) => outcome !== null).length
    landed += batch.length - failed
    retries += failed
    return outcomes
  },
})

const AGAIN = retry('not the first time')

function failsNow({ eventId }: WatchEvent, attempt: number): boolean {
  return failingEvery !== null && attempt === 1 && Number(eventId.slice(2)) % failingEvery === 0
}

const spillway = await createSpillway({ store: sqlite(file), commands: [record] }, { migrate: true })

async function land(first: number, size: number): Promise<number> {
  const load = makeLoad(callers, first, size)
  const wanted = landed + size
  const startedAt = performance.now()
  await withCallers(load, (event) => spillway.submit(record, event))
  while (landed < wanted) await moment()
  await spillway.drain()
  return secondsSince(startedAt)
}

function moment(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, LOOK_EVERY_MS)
  })
}

await land(0, warmup)
retries = 0
const seconds = await land(warmup, events)
const { succeeded } = await spillway.accounting()
await spillway.close()
table.close()
if (landed !== warmup + events || succeeded !== landed)
  throw new Error(`${landed} of ${warmup + events} events landed, ${succeeded} are known to have succeeded`)
answer({ seconds, retries } satisfies RetriesFigures)
