// A SQLite store on a file of its own, with a hand in its connections: tests make them fail the way disks and other
// processes do.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  type ChunkDraft,
  encodeBody,
  fingerprint,
  type Lease,
  type Settlement,
} from '../../src/domain/index.js'
import { loadSqlite, type SqliteClient, type SqliteDatabase } from '../../src/stores/sqlite/index.js'
import { type SqliteStore, sqliteStore } from '../../src/stores/sqlite/sqlite-store.js'
import { VirtualClock } from '../../src/testing/virtual-clock.js'

export interface SqliteRig {
  readonly path: string
  readonly clock: VirtualClock
  readonly store: SqliteStore
  /** The open store's own connections. */
  readonly own: {
    readonly durable: SqliteDatabase
    readonly working: SqliteDatabase
    readonly reading: SqliteDatabase
  }
  /** Another connection to the file, as another process would have it. */
  connect(): SqliteDatabase
  /** Rows of a query, read by another connection. */
  rows(sql: string): Record<string, unknown>[]
  draft(options?: DraftOptions): ChunkDraft
  /** Appends one chunk and claims it. */
  lease(options?: DraftOptions): Promise<Lease>
}

export interface DraftOptions extends Partial<Omit<ChunkDraft, 'body' | 'keys'>> {
  readonly payloads?: readonly unknown[]
  readonly keys?: readonly (string | null)[]
}

export interface RigOptions {
  /** Default: migrated and open. */
  readonly state?: 'nothing' | 'migrated' | 'open'
  readonly busyTimeout?: number
  readonly path?: string
  /** Stands in for the client's class of connections. */
  readonly wrap?: (client: SqliteClient) => SqliteClient
}

export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-sqlite-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export async function sqliteRig(options: RigOptions = {}): Promise<SqliteRig> {
  const { state = 'open', busyTimeout = 1_000, wrap = (client) => client } = options
  const path = options.path ?? join(await tempFolder(), 'store.db')
  const client = await loadSqlite()
  const clock = new VirtualClock()
  const connections: SqliteDatabase[] = []
  const recorded = recording(wrap(client), connections)
  const store = sqliteStore(path, { clock, busyTimeout }, { loadClient: async () => recorded })
  onTestFinished(() => store.close())
  if (state !== 'nothing') await store.schema.migrate()
  if (state === 'open') await store.open()

  const connect = (): SqliteDatabase => {
    const db = new client.DatabaseSync(path)
    onTestFinished(() => closeQuietly(db))
    return db
  }
  const draft = newDrafts(clock)
  return {
    path,
    clock,
    store,
    get own() {
      const [durable, working, reading] = connections.slice(-3) as [
        SqliteDatabase,
        SqliteDatabase,
        SqliteDatabase,
      ]
      return { durable, working, reading }
    },
    connect,
    draft,
    rows(sql) {
      const db = connect()
      const rows = db.prepare(sql).all() as Record<string, unknown>[]
      db.close()
      return rows.map((row) => ({ ...row }))
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

/** Until a call sleeps because of another connection's lock. The first try and its spin take real time; from then on only the virtual clock counts. */
export async function untilWaiting({ clock }: SqliteRig): Promise<void> {
  while (clock.pending === 0) await Promise.resolve()
}

/** Everything that is still live succeeded. */
export function complete({ chunkId, token }: Lease): Settlement {
  return { chunkId, token, updates: [], finished: [], complete: true }
}

/** Collects the statements that are prepared: for `wrap`. */
export function listening(client: SqliteClient, statements: Set<string>): SqliteClient {
  return {
    DatabaseSync: class extends client.DatabaseSync {
      override prepare(sql: string) {
        statements.add(sql)
        return super.prepare(sql)
      }
    },
  }
}

function recording(client: SqliteClient, connections: SqliteDatabase[]): SqliteClient {
  return {
    DatabaseSync: class extends client.DatabaseSync {
      constructor(...parameters: ConstructorParameters<SqliteClient['DatabaseSync']>) {
        super(...parameters)
        connections.push(this)
      }
    },
  }
}

function newDrafts(clock: VirtualClock): (options?: DraftOptions) => ChunkDraft {
  let made = 0
  return ({ payloads = [{ n: 1 }], keys, ...rest } = {}) => {
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
          key === null ? null : { key, fingerprint: fingerprint(texts[index] ?? ''), windowMs: 86_400_000 },
        ) ?? null,
    }
  }
}

function closeQuietly(db: SqliteDatabase): void {
  try {
    db.close()
  } catch {
    // The test closed it itself.
  }
}
