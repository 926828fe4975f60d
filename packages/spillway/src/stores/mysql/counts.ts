// Counting: what waits, by queue, from the indexes alone; and everything there is, for checks. What a chunk carries in another stage than to
// be run is counted under the name of what it waits for.

import { PARKED_STATES, TERMINAL_STATES } from '../../domain/index.js'
import type { Accounting, QueueCounts } from '../../ports/index.js'
import type { Connection } from './connection.js'
import type { RunResult } from './enlist/index.js'
import { LEASED_CHUNKS, PARKED_BY_QUEUE, READY_CHUNKS } from './indexes.js'
import { rowsOf } from './select.js'

type Tally = { -readonly [Field in keyof QueueCounts]: QueueCounts[Field] }

const STATES = [...PARKED_STATES, ...TERMINAL_STATES]
/** Succeeded rows are not counted by queue, promoted ones with the chunk that carries them. */
const LISTED_STATES = STATES.filter((state) => state !== 'succeeded')
/** What a chunk carries otherwise than to be run. */
const CARRIED_STATES = ['reconciling', 'pending', 'compensating'] as const
type CarriedState = (typeof CARRIED_STATES)[number]

/** For each queue a look into the index, so that rows of commands that succeeded cost nothing. */
export const ROWS_BY_QUEUE = `
select name as queue, paused,
  ${LISTED_STATES.map(
    (state) => `
  (select count(*) from ${PARKED_BY_QUEUE} where queue = name and state = '${state}') as ${state}`,
  ).join(',')}
from spillway_queues order by name`

/** What the chunks of one group hold: to be run, and in each other stage. */
const LIVE = `sum(if(stage = 'execute', live, 0)) as live,
  sum(if(stage = 'reconcile', live, 0)) as reconciling, sum(if(stage = 'poll', live, 0)) as pending,
  sum(if(stage = 'compensate', live, 0)) as compensating`

export const LIVE_BY_QUEUE = `
select queue, 'ready' as place, ${LIVE}, sum(bytes) as bytes, min(created_at) as oldest
from ${READY_CHUNKS} where state = 'ready' group by queue
union all
select queue, 'running', ${LIVE}, 0, null from ${LEASED_CHUNKS} where state = 'leased' group by queue`

const ACCOUNT_CHUNKS = `
select coalesce(sum(accepted), 0) as accepted, coalesce(sum(succeeded), 0) as succeeded,
  coalesce(sum(if(state = 'ready' and stage = 'execute', live, 0)), 0) as ready,
  coalesce(sum(if(state = 'leased' and stage = 'execute', live, 0)), 0) as running,
  coalesce(sum(if(stage = 'reconcile', live, 0)), 0) as reconciling,
  coalesce(sum(if(stage = 'poll', live, 0)), 0) as pending,
  coalesce(sum(if(stage = 'compensate', live, 0)), 0) as compensating
from spillway_chunks`

const ACCOUNT_ROWS = `select state, count(*) as count from spillway_parked where state <> 'promoted' group by state`

interface QueueRow extends Record<(typeof LISTED_STATES)[number], number> {
  readonly queue: string
  readonly paused: number
}

/** Sums, which the driver may give as text. */
type Sums<Name extends string> = Readonly<Record<Name, string | number>>

interface LiveRow extends Sums<CarriedState | 'live' | 'bytes'> {
  readonly queue: string
  readonly place: 'ready' | 'running'
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
    for (const state of CARRIED_STATES) tally[state] += Number(row[state])
    tally.readyBytes += Number(row.bytes)
    tally.oldestReadyAt ??= row.oldest
  }
  return [...tallies.values()]
}

/** In a snapshot. */
export async function account(db: Connection): Promise<Accounting> {
  const [chunks, rows] = (await db.send([ACCOUNT_CHUNKS, ACCOUNT_ROWS])) as [RunResult, RunResult]
  const account: Record<string, number> = Object.fromEntries(STATES.map((state) => [state, 0]))
  const counted = [
    ...Object.entries(chunks.rows[0] ?? {}),
    ...rowsOf<{ state: string; count: number }>(rows).map(({ state, count }) => [state, count] as const),
  ]
  for (const [name, count] of counted) account[name] = (account[name] ?? 0) + Number(count)
  return account as unknown as Accounting
}

function emptyTally(queue: string): Tally {
  return {
    ...{ queue, paused: false, ready: 0, running: 0, readyBytes: 0, oldestReadyAt: null },
    ...{ scheduled: 0, retrying: 0, reconciling: 0, pending: 0, blocked: 0, compensating: 0 },
    ...{ failed: 0, dead: 0, cancelled: 0, compensated: 0 },
  }
}
