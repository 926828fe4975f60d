// Counting: what waits, by queue, from the partial indexes; and everything there is, for checks. One statement each, because a
// statement is a snapshot.

import type { Accounting, QueueCounts } from '../../ports/index.js'

/** Succeeded rows are not counted by queue, promoted ones with the chunk that carries them. */
const LISTED_STATES = ['scheduled', 'retrying', 'failed', 'dead', 'cancelled'] as const
const STATES = [...LISTED_STATES, 'succeeded'] as const

const listed = LISTED_STATES.map((state) => `'${state}'`).join(', ')

export const QUEUE_COUNTS = `
select queue, kind, commands::float8 as commands, oldest::float8 as oldest from (
  select name as queue, case when paused then 'paused' else 'known' end as kind, 0 as commands, null::bigint as oldest
  from @.queues
  union all select queue, 'ready', sum(live), min(created_at) from @.chunks where state = 'ready' group by queue
  union all select queue, 'running', sum(live), null from @.chunks where state = 'leased' group by queue
  union all select queue, state, count(*), null from @.parked where state in (${listed}) group by queue, state
) counts order by queue collate "C"`

/** A row of QUEUE_COUNTS. */
export interface QueueCount {
  readonly queue: string
  readonly kind: 'known' | 'paused' | 'ready' | 'running' | (typeof LISTED_STATES)[number]
  readonly commands: number
  readonly oldest: number | null
}

type Tally = { -readonly [Field in keyof QueueCounts]: QueueCounts[Field] }

export function queueCounts(rows: readonly QueueCount[]): QueueCounts[] {
  const tallies = new Map<string, Tally>()
  for (const { queue, kind, commands, oldest } of rows) {
    const tally = tallies.get(queue) ?? emptyTally(queue)
    tallies.set(queue, tally)
    if (kind === 'paused') tally.paused = true
    else if (kind !== 'known') tally[kind] = commands
    if (kind === 'ready') tally.oldestReadyAt = oldest
  }
  return [...tallies.values()]
}

function emptyTally(queue: string): Tally {
  const nothing = { ready: 0, running: 0, scheduled: 0, retrying: 0, failed: 0, dead: 0, cancelled: 0 }
  return { queue, paused: false, ...nothing, oldestReadyAt: null }
}

export const ACCOUNTING = `
select chunks.*, parked.* from
  (select coalesce(sum(accepted), 0)::float8 as accepted, coalesce(sum(succeeded), 0)::float8 as silent,
    coalesce(sum(live) filter (where state = 'ready'), 0)::float8 as ready,
    coalesce(sum(live) filter (where state = 'leased'), 0)::float8 as running
  from @.chunks) chunks,
  (select ${STATES.map((state) => `count(*) filter (where state = '${state}')::float8 as ${state}`).join(', ')}
  from @.parked) parked`

/** A row of ACCOUNTING; `silent` are those that succeeded without a row. */
export type AccountingCounts = Accounting & { readonly silent: number }

export function accountingOf({ silent, ...counted }: AccountingCounts): Accounting {
  return { ...counted, succeeded: counted.succeeded + silent }
}
