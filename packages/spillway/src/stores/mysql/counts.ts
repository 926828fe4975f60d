// Counting: what waits, by queue, from the indexes alone; and everything there is, for checks.

import type { Accounting, QueueCounts } from '../../ports/index.js'
import type { Connection } from './connection.js'
import type { RunResult } from './enlist/index.js'
import { LEASED_CHUNKS, PARKED_BY_QUEUE, READY_CHUNKS } from './indexes.js'
import { rowsOf, select } from './select.js'

type Tally = { -readonly [Field in keyof QueueCounts]: QueueCounts[Field] }

/** Succeeded rows are not counted by queue, promoted ones with the chunk that carries them. */
const LISTED_STATES = ['scheduled', 'retrying', 'failed', 'dead', 'cancelled'] as const
const STATES = [...LISTED_STATES, 'succeeded'] as const

/** For each queue a look into the index, so that rows of commands that succeeded cost nothing. */
export const ROWS_BY_QUEUE = `
select name as queue, paused,
  ${LISTED_STATES.map(
    (state) => `
  (select count(*) from ${PARKED_BY_QUEUE} where queue = name and state = '${state}') as ${state}`,
  ).join(',')}
from spillway_queues order by name`

export const LIVE_BY_QUEUE = `
select queue, 'ready' as place, sum(live) as live, min(created_at) as oldest
from ${READY_CHUNKS} where state = 'ready' group by queue
union all
select queue, 'running', sum(live), null from ${LEASED_CHUNKS} where state = 'leased' group by queue`

const ACCOUNT = `
select
  (select coalesce(sum(accepted), 0) from spillway_chunks) as accepted,
  (select coalesce(sum(live), 0) from spillway_chunks where state = 'ready') as ready,
  (select coalesce(sum(live), 0) from spillway_chunks where state = 'leased') as running,
  (select coalesce(sum(succeeded), 0) from spillway_chunks) as silent,
  ${STATES.map((state) => `(select count(*) from spillway_parked where state = '${state}') as ${state}`).join(', ')}`

interface QueueRow extends Record<(typeof LISTED_STATES)[number], number> {
  readonly queue: string
  readonly paused: number
}

interface LiveRow {
  readonly queue: string
  readonly place: 'ready' | 'running'
  /** A sum, which the driver gives as text. */
  readonly live: string
  readonly oldest: number | null
}

/** In a snapshot. */
export async function countQueues(db: Connection): Promise<QueueCounts[]> {
  const [byQueue, live] = (await db.send([ROWS_BY_QUEUE, LIVE_BY_QUEUE])) as [RunResult, RunResult]
  const tallies = new Map<string, Tally>()
  for (const { paused, ...row } of rowsOf<QueueRow>(byQueue)) {
    tallies.set(row.queue, { ...emptyTally(row.queue), ...row, paused: paused === 1 })
  }
  for (const row of rowsOf<LiveRow>(live)) {
    const tally = tallies.get(row.queue) ?? emptyTally(row.queue)
    tallies.set(row.queue, tally)
    tally[row.place] = Number(row.live)
    tally.oldestReadyAt ??= row.oldest
  }
  return [...tallies.values()]
}

/** In a snapshot. */
export async function account(db: Connection): Promise<Accounting> {
  const [row = {}] = await select<Record<string, string | number>>(db, ACCOUNT)
  const { accepted, ready, running, scheduled, retrying, succeeded, failed, dead, cancelled, silent } =
    Object.fromEntries(
      Object.entries(row).map(([name, count]) => [name, Number(count)]),
    ) as unknown as Accounting & {
      silent: number
    }
  return {
    ...{ accepted, ready, running, scheduled, retrying, failed, dead, cancelled },
    succeeded: succeeded + silent,
  }
}

function emptyTally(queue: string): Tally {
  return {
    queue,
    paused: false,
    ready: 0,
    running: 0,
    scheduled: 0,
    retrying: 0,
    failed: 0,
    dead: 0,
    cancelled: 0,
    oldestReadyAt: null,
  }
}
