// MySQL stores in databases of their own. Making the tables takes a second, emptying them a few milliseconds: a migrated database
// is handed on to the next test of the file once it is empty again.

import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { sharedMariaDb } from 'spillway-test-bed'
import { onTestFinished } from 'vitest'
import {
  type ChunkDraft,
  encodeBody,
  fingerprint,
  type Lease,
  type LeaseRef,
  type Settlement,
} from '../../src/domain/index.js'
import { type MysqlOptions, type MysqlStore, mysql } from '../../src/stores/mysql/index.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

export type Row = Record<string, unknown>

export interface MysqlDatabase {
  readonly url: string
  /** Rows of a query, read by a connection of its own. */
  rows(sql: string): Promise<Row[]>
  /** Empty again, for the next test. */
  giveBack(): Promise<void>
}

/** Settings of a server for tests are not those of one that must not lose anything. */
export const TEST_OPTIONS = { synchronous: 'normal', poolSize: 5 } as const satisfies MysqlOptions

const free: MysqlDatabase[] = []

/** A database with the store's tables, all empty. */
export async function migratedDatabase(): Promise<MysqlDatabase> {
  const known = free.pop()
  if (known !== undefined) return known
  const { url } = await (await sharedMariaDb()).createDatabase()
  await mysql(url, TEST_OPTIONS).schema.migrate()
  const boss = await createConnection({ uri: url, multipleStatements: true })
  const database: MysqlDatabase = {
    url,
    rows: (sql) => rowsOf(boss, sql),
    async giveBack() {
      await emptyAll(boss)
      free.push(database)
    },
  }
  return database
}

/** A database with nothing in it. */
export async function bareDatabase(): Promise<MysqlDatabase> {
  const { url, drop } = await (await sharedMariaDb()).createDatabase()
  const boss = await createConnection({ uri: url, multipleStatements: true })
  return {
    url,
    rows: (sql) => rowsOf(boss, sql),
    async giveBack() {
      await boss.end()
      await drop()
    },
  }
}

async function rowsOf(connection: Connection, sql: string): Promise<Row[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql)
  return Array.isArray(rows) ? rows.map((row) => ({ ...row })) : []
}

const KEPT = new Set(['spillway_migrations', 'spillway_stops', 'spillway_key_ring', 'spillway_commands'])

async function emptyAll(connection: Connection): Promise<void> {
  const tables = await rowsOf(
    connection,
    'select table_name as name from information_schema.tables where table_schema = database()',
  )
  const statements = tables
    .map(({ name }) => String(name))
    .filter((name) => !KEPT.has(name))
    .map((name) =>
      name.startsWith('spillway_') ? `delete from ${name}` : `drop table \`${name.replaceAll('`', '``')}\``,
    )
  await connection.query(
    [...statements, 'update spillway_key_ring set generation = 0, window_ms = 0, aging_until = 0'].join(';'),
  )
}

export interface MysqlRig {
  readonly database: MysqlDatabase
  readonly clock: VirtualClock
  readonly store: MysqlStore
  /** Another connection to the database, as another program would have it. */
  connect(): Promise<Connection>
  rows(sql: string): Promise<Row[]>
  draft(options?: DraftOptions): ChunkDraft
  /** Appends one chunk and claims it. */
  lease(options?: DraftOptions): Promise<Lease>
}

export interface DraftOptions extends Partial<Omit<ChunkDraft, 'body' | 'keys'>> {
  readonly payloads?: readonly unknown[]
  readonly keys?: readonly (string | null)[]
  readonly windowMs?: number
}

/** An open store on tables of its own. */
export async function mysqlRig(options: MysqlOptions & { readonly url?: string } = {}): Promise<MysqlRig> {
  const { url, ...rest } = options
  const database = await migratedDatabase()
  onTestFinished(() => database.giveBack())
  const clock = new VirtualClock()
  const store = mysql(url ?? database.url, { ...TEST_OPTIONS, clock, ...rest })
  await store.open()
  onTestFinished(() => store.close())
  const draft = newDrafts(clock)
  return {
    database,
    clock,
    store,
    draft,
    rows: database.rows,
    async connect() {
      const connection = await createConnection(database.url)
      onTestFinished(() => connection.destroy())
      return connection
    },
    async lease(draftOptions) {
      const chunk = draft(draftOptions)
      await store.append([chunk])
      const [lease] = await store.claim({
        ...{ queue: chunk.queue, types: [chunk.type], chunksMax: 1, commandsMax: 1_000 },
        ...{ leaseMs: 30_000, workerId: 'rig' },
      })
      return lease as Lease
    },
  }
}

function newDrafts(clock: VirtualClock): (options?: DraftOptions) => ChunkDraft {
  let made = 0
  return ({ payloads = [{ n: 1 }], keys, windowMs = 86_400_000, ...rest } = {}) => {
    made += 1
    const texts = payloads.map((payload) => JSON.stringify(payload))
    return {
      id: `${clock.now().toString(16).padStart(12, '0')}7000${made.toString(16).padStart(16, '8000000000000000')}`,
      ...{ queue: 'main', type: 'work', priority: 0, partition: null, codec: 'json', parked: null },
      ...rest,
      body: encodeBody(texts),
      size: texts.length,
      keys:
        keys?.map((key, index) =>
          key === null ? null : { key, fingerprint: fingerprint(texts[index] ?? ''), windowMs },
        ) ?? null,
    }
  }
}

/** Everything that is still live succeeded. */
export function complete({ chunkId, token }: LeaseRef): Settlement {
  return { chunkId, token, updates: [], finished: [], complete: true }
}
