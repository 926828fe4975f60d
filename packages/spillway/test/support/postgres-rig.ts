// PostgreSQL stores in schemas of their own, all in one database of the shared server.

import pg from 'pg'
import { sharedPostgres, type TestDatabase } from 'spillway-test-bed'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import {
  type ChunkDraft,
  encodeBody,
  fingerprint,
  type Lease,
  type Settlement,
} from '../../src/domain/index.js'
import { type PostgresOptions, type PostgresStore, postgres } from '../../src/stores/postgres/index.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

export interface PostgresRig {
  readonly url: string
  readonly schema: string
  readonly clock: VirtualClock
  readonly store: PostgresStore
  /** Another handle on the same schema, open. */
  other(options?: PostgresOptions): Promise<PostgresStore>
  /** Rows of a query, read by a connection of the test's; `@.` is the schema. */
  rows(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>
  draft(options?: DraftOptions): ChunkDraft
  /** Appends one chunk and claims it. */
  lease(options?: DraftOptions): Promise<Lease>
  dispose(): Promise<void>
}

export interface DraftOptions extends Partial<Omit<ChunkDraft, 'body' | 'keys'>> {
  readonly payloads?: readonly unknown[]
  readonly keys?: readonly (string | null)[]
}

export interface RigOptions extends PostgresOptions {
  /** Default: migrated and open. */
  readonly state?: 'nothing' | 'migrated' | 'open'
}

const DAY_MS = 86_400_000
/** Statements and claims of tests take no longer than this. */
const TIMEOUT_MS = 20_000
const CONNECTIONS_MAX = 30

/** Removes whatever a test left, the tables it made included. */
const EMPTY = `
do $$ declare made text; begin
  for made in
    select format('%I.%I', schemaname, tablename) from pg_tables
    where schemaname = '@' and tablename not in ('migrations', 'chunks', 'bodies', 'results', 'keys_0', 'keys_1', 'key_ring',
      'parked', 'queues', 'nodes', 'roles', 'probes', 'shared', 'audit')
  loop execute 'drop table ' || made; end loop;
end $$;
delete from @.chunks; delete from @.bodies; delete from @.results; delete from @.keys_0; delete from @.keys_1;
delete from @.parked; delete from @.queues; delete from @.nodes; delete from @.roles; delete from @.probes;
delete from @.shared; delete from @.audit;
update @.key_ring set current = 0, other_expires_at = null`

let schemas = 0
let chunks = 0

interface RigsOptions {
  /**
   * Tests get the emptied schema of an earlier one, and its connections: both are quicker than new ones. A server process that was
   * just forked spends more on its first statements than a test does on all of its own.
   */
  readonly recycle?: boolean
}

/** A schema and the connections of the stores in it. */
interface Place {
  readonly schema: string
  /** Null where each store has connections of its own. */
  readonly pool: pg.Pool | null
}

/** What the rigs of a file share. */
interface Ground {
  readonly url: string
  readonly admin: pg.Pool
  /** Migrated and empty; null when each rig has a new one. */
  readonly spare: Place[] | null
}

/** One database for all tests of a file; to be called at its top or in a `describe`. */
export function postgresRigs({
  recycle = false,
}: RigsOptions = {}): (options?: RigOptions) => Promise<PostgresRig> {
  let database: TestDatabase
  let admin: pg.Pool
  const spare: Place[] | null = recycle ? [] : null
  beforeAll(async () => {
    database = await (await sharedPostgres()).createDatabase()
    admin = new pg.Pool({ connectionString: database.url, max: 2 })
    // Its idle connections may still be there when the database is dropped.
    admin.on('error', () => {})
  })
  afterAll(async () => {
    for (const { pool } of spare ?? []) await pool?.end()
    await admin?.end()
    await database?.drop()
  })
  return (options = {}) => newRig({ url: database.url, admin, spare }, options)
}

async function newRig(
  { url, admin, spare }: Ground,
  { state = 'open', ...options }: RigOptions,
): Promise<PostgresRig> {
  const recycled = state === 'open' ? spare?.pop() : undefined
  const place = recycled ?? newPlace(url, state === 'open' && spare !== null)
  const { schema } = place
  const clock = new VirtualClock()
  const opened: PostgresStore[] = []
  const newStore = (more: PostgresOptions, pool: pg.Pool | null): PostgresStore => {
    const from = pool === null ? { url, connection: { options: searchPath(schema) } } : { pool }
    const store = postgres({
      ...{ schema, clock, listen: false, queryTimeoutMs: TIMEOUT_MS, connectionsMax: CONNECTIONS_MAX },
      ...(more.pool === undefined ? from : {}),
      ...more,
    })
    opened.push(store)
    return store
  }
  const store = newStore(options, place.pool)
  if (state !== 'nothing' && recycled === undefined) await store.schema.migrate()
  if (state === 'open') await store.open()

  let disposed = false
  async function dispose(): Promise<void> {
    if (disposed) return
    disposed = true
    for (const each of opened) await each.close()
    if (state === 'open' && spare !== null) {
      await admin.query(EMPTY.replaceAll("'@'", `'${schema}'`).replaceAll('@.', `"${schema}".`))
      spare.push(place)
    } else await admin.query(`drop schema if exists "${schema}" cascade`)
  }

  function draft({ payloads = [{ n: 1 }], keys, ...rest }: DraftOptions = {}): ChunkDraft {
    chunks += 1
    const texts = payloads.map((payload) => JSON.stringify(payload))
    return {
      id: `${clock.now().toString(16).padStart(12, '0')}7000${chunks.toString(16).padStart(16, '8000000000000000')}`,
      ...{ queue: 'main', type: 'work', priority: 0, partition: null, codec: 'json', parked: null, ...rest },
      body: encodeBody(texts),
      size: texts.length,
      keys:
        keys?.map((key, at) =>
          key === null ? null : { key, fingerprint: fingerprint(texts[at] as string), windowMs: DAY_MS },
        ) ?? null,
    }
  }

  return {
    ...{ url, schema, clock, store, draft, dispose },
    async other(more = {}) {
      // As another process has it: on connections of its own.
      const other = newStore(more, null)
      await other.open()
      return other
    },
    rows: async (sql, values = []) => (await admin.query(sql.replaceAll('@.', `"${schema}".`), values)).rows,
    async lease(more) {
      await store.append([draft(more)])
      const [lease] = await claimAll(store)
      return lease as Lease
    },
  }
}

function newPlace(url: string, recycles: boolean): Place {
  schemas += 1
  const schema = `test_${schemas}`
  if (!recycles) return { schema, pool: null }
  const pool = new pg.Pool({
    ...{ connectionString: url, options: searchPath(schema) },
    ...{ max: CONNECTIONS_MAX, idleTimeoutMillis: 0 },
  })
  pool.on('error', () => {})
  return { schema, pool }
}

function searchPath(schema: string): string {
  return `-c search_path=${schema},public`
}

/** A rig that goes away with its test. */
export function disposing(rigs: (options?: RigOptions) => Promise<PostgresRig>) {
  return async (options?: RigOptions): Promise<PostgresRig> => {
    const rig = await rigs(options)
    onTestFinished(rig.dispose)
    return rig
  }
}

export function claimAll(store: PostgresStore, chunksMax = 100): Promise<readonly Lease[]> {
  const limits = { chunksMax, commandsMax: 100_000, leaseMs: 30_000, workerId: 'w' }
  return store.claim({ queue: 'main', types: ['work'], ...limits })
}

export function complete({ chunkId, token }: Pick<Lease, 'chunkId' | 'token'>): Settlement {
  return { chunkId, token, updates: [], finished: [], complete: true }
}
