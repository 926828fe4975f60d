// Counting: what waits, by queue, from the partial indexes; and everything there is, for checks.

import type { Accounting, QueueCounts } from '../../ports/index.js'
import type { SqliteTx } from './client.js'

export interface Counts {
  /** Inside a read transaction. */
  queues(): QueueCounts[]
  accounting(): Accounting
}

type Tally = { -readonly [Field in keyof QueueCounts]: QueueCounts[Field] }

interface ChunkCount {
  readonly queue: string
  readonly live: number
  readonly oldest: number | null
  readonly bytes: number
}

interface RowCount {
  readonly queue: string
  readonly state: (typeof LISTED_STATES)[number]
  readonly commands: number
}

/**
 * In the order of the index. Succeeded rows are not counted by queue, promoted ones with the chunk that carries them: its live
 * commands, unless they have their own name there.
 */
const LISTED_STATES = [
  ...(['scheduled', 'retrying', 'reconciling', 'pending', 'compensating', 'blocked'] as const),
  ...(['failed', 'dead', 'cancelled', 'compensated'] as const),
]
/** Commands of a chunk that are simply to be run. */
const RUN = 'iif(stage is null, live, 0)'
const STATES = [...LISTED_STATES, 'succeeded'] as const

export function prepareCounts(db: SqliteTx): Counts {
  const names = db.prepare('select name as queue, paused from spillway_queues order by name')
  const ready = db.prepare(`
    select queue, sum(${RUN}) as live, min(created_at) as oldest, sum(bytes) as bytes
    from spillway_chunks where state = 'ready' group by queue`)
  const running = db.prepare(`
    select queue, sum(${RUN}) as live from spillway_chunks where state = 'leased' group by queue`)
  const rows = db.prepare(`
    select queue, state, count(*) as commands from spillway_parked
    where ${LISTED_STATES.map((state) => `state = '${state}'`).join(' or ')} group by queue, state`)
  const account = db.prepare(`
    select
      (select coalesce(sum(accepted), 0) from spillway_chunks) as accepted,
      (select coalesce(sum(${RUN}), 0) from spillway_chunks where state = 'ready') as ready,
      (select coalesce(sum(${RUN}), 0) from spillway_chunks where state = 'leased') as running,
      (select coalesce(sum(succeeded), 0) from spillway_chunks) as silent,
      ${STATES.map((state) => `(select count(*) from spillway_parked where state = '${state}') as ${state}`).join(', ')}`)

  function queues(): QueueCounts[] {
    const tallies = new Map<string, Tally>()
    for (const { queue, paused } of names.all() as { queue: string; paused: number }[]) {
      tallies.set(queue, { ...emptyTally(queue), paused: paused === 1 })
    }
    const tallyOf = (queue: string): Tally => {
      const tally = tallies.get(queue) ?? emptyTally(queue)
      tallies.set(queue, tally)
      return tally
    }
    for (const { queue, live, oldest, bytes } of ready.all() as ChunkCount[]) {
      Object.assign(tallyOf(queue), { ready: live, oldestReadyAt: oldest, readyBytes: bytes })
    }
    for (const { queue, live } of running.all() as Pick<ChunkCount, 'queue' | 'live'>[])
      tallyOf(queue).running = live
    for (const { queue, state, commands } of rows.all() as RowCount[]) tallyOf(queue)[state] = commands
    return [...tallies.values()]
  }

  return {
    queues,
    accounting() {
      const { silent, ...counted } = account.get() as Accounting & { silent: number }
      return { ...counted, succeeded: counted.succeeded + silent }
    },
  }
}

function emptyTally(queue: string): Tally {
  return {
    ...{ queue, paused: false, ready: 0, running: 0, readyBytes: 0, oldestReadyAt: null },
    ...{ scheduled: 0, retrying: 0, reconciling: 0, pending: 0, blocked: 0, compensating: 0 },
    ...{ failed: 0, dead: 0, cancelled: 0, compensated: 0 },
  }
}
