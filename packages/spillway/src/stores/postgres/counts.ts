// Counting: what waits, by queue, from the partial indexes; and everything there is, for checks. One statement each, because a
// statement is a snapshot.

import type { Accounting, QueueCounts } from '../../ports/index.js'

/** Rows by state, in the groups in which indexes hold them. Succeeded ones are not counted by queue, promoted ones with their chunk. */
const LISTED_STATES = ['scheduled', 'retrying', 'failed', 'dead', 'cancelled'] as const
const STAGE_STATES = ['reconciling', 'pending', 'blocked', 'compensating', 'compensated'] as const
const STATES = [...LISTED_STATES, ...STAGE_STATES, 'succeeded'] as const

const rowCounts = (states: readonly string[]): string => `
  select queue, state, count(*), null::bigint, null::bigint from @.parked
  where state in (${states.map((state) => `'${state}'`).join(', ')}) group by queue, state`

/** A chunk that carries commands of another stage than execute is ready or running like any; its commands are neither. */
const chunkCounts = (kind: string, state: string): string => `
  select queue, '${kind}', coalesce(sum(live) filter (where stage is null), 0), min(created_at), sum(bytes) from @.chunks
  where state = '${state}' group by queue`

export const QUEUE_COUNTS = `
select queue, kind, commands::float8 as commands, oldest::float8 as oldest, bytes::float8 as bytes from (
  select name as queue, case when paused then 'paused' else 'known' end as kind, 0 as commands, null::bigint as oldest,
    null::bigint as bytes
  from @.queues
  union all ${chunkCounts('ready', 'ready')}
  union all ${chunkCounts('running', 'leased')}
  union all ${rowCounts(LISTED_STATES)}
  union all ${rowCounts(STAGE_STATES)}
) counts order by queue collate "C"`

/** A row of QUEUE_COUNTS. */
export interface QueueCount {
  readonly queue: string
  readonly kind: 'known' | 'paused' | 'ready' | 'running' | Exclude<(typeof STATES)[number], 'succeeded'>
  readonly commands: number
  readonly oldest: number | null
  readonly bytes: number | null
}

type Tally = { -readonly [Field in keyof QueueCounts]: QueueCounts[Field] }

const NOTHING = {
  ready: 0,
  running: 0,
  scheduled: 0,
  retrying: 0,
  reconciling: 0,
  pending: 0,
  blocked: 0,
  compensating: 0,
  failed: 0,
  dead: 0,
  cancelled: 0,
  compensated: 0,
  readyBytes: 0,
}

export function queueCounts(rows: readonly QueueCount[]): QueueCounts[] {
  const tallies = new Map<string, Tally>()
  for (const { queue, kind, commands, oldest, bytes } of rows) {
    const tally = tallies.get(queue) ?? { queue, paused: false, ...NOTHING, oldestReadyAt: null }
    tallies.set(queue, tally)
    if (kind === 'paused') tally.paused = true
    else if (kind !== 'known') tally[kind] = commands
    if (kind !== 'ready') continue
    tally.oldestReadyAt = oldest
    tally.readyBytes = bytes ?? 0
  }
  return [...tallies.values()]
}

export const ACCOUNTING = `
select chunks.*, parked.* from
  (select coalesce(sum(accepted), 0)::float8 as accepted, coalesce(sum(succeeded), 0)::float8 as silent,
    coalesce(sum(live) filter (where state = 'ready' and stage is null), 0)::float8 as ready,
    coalesce(sum(live) filter (where state = 'leased' and stage is null), 0)::float8 as running
  from @.chunks) chunks,
  (select ${STATES.map((state) => `count(*) filter (where state = '${state}')::float8 as ${state}`).join(', ')}
  from @.parked) parked`

/** A row of ACCOUNTING; `silent` are those that succeeded without a row. */
export type AccountingCounts = Accounting & { readonly silent: number }

export function accountingOf({ silent, ...counted }: AccountingCounts): Accounting {
  return { ...counted, succeeded: counted.succeeded + silent }
}
