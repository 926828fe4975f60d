// Where the bugs of other systems are looked for: on SQLite, and on PostgreSQL because locks, conflicts and commits are the
// engine's. Several processes are several Spillways on one database; the database's clock can be moved on.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSession, requireServer, sharedPostgres } from 'spillway-test-bed'
import { describe, onTestFinished } from 'vitest'
import {
  createSpillway,
  type Role,
  type Spillway,
  type SpillwayConfig,
  type Store,
  type TelemetryEvent,
} from '../../src/index.js'
import { postgres } from '../../src/stores/postgres/index.js'
import { loadSqlite, sqlite } from '../../src/stores/sqlite/index.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

export interface Place {
  /** The clock of the database, which stands still unless it is moved on. */
  readonly clock: VirtualClock
  /** Another handle on the same database. */
  store(): Store
  /** One more process; closed with the test. */
  process(config: Omit<SpillwayConfig, 'store'>, roles?: readonly Role[]): Promise<RunningProcess>
  /** A statement of the test's own; rows, if it has any. */
  sql(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

export interface RunningProcess {
  readonly spillway: Spillway
  readonly events: readonly TelemetryEvent[]
}

export interface Engine {
  readonly name: string
  readonly describe: (name: string, body: () => void) => unknown
  place(): Promise<Place>
}

export const ENGINES: readonly Engine[] = [
  { name: 'SQLite', describe, place: sqlitePlace },
  { name: 'PostgreSQL', describe: requireServer(describe, 'postgres'), place: postgresPlace },
]

async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-known-bugs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'spillway.db')
  const clock = new VirtualClock()
  const { DatabaseSync } = await loadSqlite()
  const own = new DatabaseSync(path, { timeout: 5_000 })
  onTestFinished(() => own.close())
  return place(
    clock,
    () => sqlite(path, { clock }),
    async (text) => own.prepare(text).all() as never,
  )
}

async function postgresPlace(): Promise<Place> {
  const { url, drop } = await (await sharedPostgres()).createDatabase()
  onTestFinished(drop)
  const clock = new VirtualClock()
  const own = await openSession(url)
  onTestFinished(() => own.close())
  return place(clock, () => postgres(url, { clock }), own.query)
}

function place(clock: VirtualClock, store: () => Store, sql: Place['sql']): Place {
  return {
    ...{ clock, store, sql },
    async process(config, roles) {
      const events: TelemetryEvent[] = []
      const spillway = await createSpillway(
        {
          ...{ worker: { poll: 10 }, maintenance: { promoteEvery: 10 }, ...config },
          store: store(),
          telemetry: [{ record: (event) => events.push(event) }],
        },
        { migrate: true, logs: 'silent', ...(roles === undefined ? {} : { roles }) },
      )
      onTestFinished(() => spillway.close())
      return { spillway, events }
    },
  }
}
