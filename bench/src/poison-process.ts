// A thousand commands of one chunk into one bulk sink, with and without one that the table refuses: how many statements
// PostgreSQL is sent for that. Counted where they leave the process; nothing else runs meanwhile.

import pg from 'pg'
import { createSpillway } from 'spillway'
import { postgres } from 'spillway/postgres'
import { answer, readJob } from './child.js'
import { makeEvent, recordWatch } from './watch-event.js'

export interface PoisonJob {
  /** Of an empty database. */
  readonly url: string
  readonly commands: number
  /** Place of the one that the table refuses; null = none. */
  readonly poisonAt: number | null
}

export interface PoisonFigures {
  /** All of them: claim and settlement, savepoints and look-ups included. */
  readonly statements: number
  /** Of these, the ones that only set, release or undo savepoints. */
  readonly savepoints: number
  readonly landed: number
  readonly dead: number
}

const TABLE = `
  CREATE TABLE watch_events (
    event_id text PRIMARY KEY, user_id integer NOT NULL, course_id integer NOT NULL, video_id integer NOT NULL,
    position_ms integer NOT NULL CHECK (position_ms >= 0), watched_at text NOT NULL, client text NOT NULL
  )`

const SAVEPOINT = /^(savepoint|release|rollback to) /i

const { url, commands, poisonAt } = readJob<PoisonJob>()
let statements = 0
let savepoints = 0
const pool = new pg.Pool({ connectionString: url })
pool.on('connect', countStatements)
await pool.query(TABLE)

const { policy } = recordWatch
const once = { ...recordWatch, policy: { ...policy, retry: { ...policy.retry, attempts: 1 } } }
const spillway = await createSpillway(
  {
    store: postgres({ pool }),
    commands: [once],
    // Nobody looks for work by the clock: every statement belongs to these commands.
    worker: { poll: '1h' },
    maintenance: { promoteEvery: '1h', pruneEvery: '1h' },
  },
  { migrate: true, roles: ['intake', 'worker'], register: false, logs: 'silent' },
)
const over = ended()
await spillway.drain()
statements = 0
savepoints = 0
await spillway.submitMany(
  once,
  Array.from({ length: commands }, (_, index) => ({
    ...makeEvent(index),
    ...(index === poisonAt ? { positionMs: -1 } : {}),
  })),
)
const { succeeded, dead } = await over
const counted = { statements, savepoints }
await spillway.close()
const { rows } = await pool.query<{ landed: number }>('SELECT count(*)::int AS landed FROM watch_events')
await pool.end()
const landed = rows[0]?.landed ?? 0
if (landed !== succeeded) throw new Error(`${landed} rows have landed, ${succeeded} commands succeeded`)
answer({ ...counted, landed, dead } satisfies PoisonFigures)

function ended(): Promise<{ readonly succeeded: number; readonly dead: number }> {
  const counts = { succeeded: 0, dead: 0 }
  return new Promise((resolve) => {
    for (const state of ['succeeded', 'dead'] as const)
      spillway.on(state, () => {
        counts[state] += 1
        if (counts.succeeded + counts.dead === commands) resolve(counts)
      })
  })
}

/** Of every kind: those that begin and end transactions and savepoints, too. */
function countStatements(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...values: unknown[]) => unknown
  Object.assign(client, {
    query(...values: unknown[]) {
      statements += 1
      if (SAVEPOINT.test(textOf(values[0]))) savepoints += 1
      return query(...values)
    },
  })
}

/** node-postgres takes a text, or an object that has one. */
function textOf(query: unknown): string {
  if (typeof query === 'string') return query
  const { text } = Object(query) as { text?: unknown }
  return typeof text === 'string' ? text.trimStart() : ''
}
