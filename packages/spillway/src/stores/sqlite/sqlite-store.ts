// The SQLite store: one file, any number of processes on one machine. Each call is one synchronous transaction on the
// connection it belongs to; only waiting for another process's lock is asynchronous.

import type { ChunkDraft } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import type {
  AppendOptions,
  AppendResult,
  Clock,
  Store,
  StoreControl,
  StoreNodes,
  StoreReader,
} from '../../ports/index.js'
import { type Access, newAccess } from './access.js'
import { AtomicConflict } from './append.js'
import { loadSqlite, type SqliteClient, type SqliteTx } from './client.js'
import type { Synchronous } from './connection.js'

export interface SqliteOptions {
  /**
   * `full` (default): what is acknowledged is on the disk. `normal`: a power cut may take the last commits. A crash of the
   * process takes nothing either way. Effects that share a commit with their settlement are always `normal`: a power cut may
   * undo the last ones, both together, and they are executed again.
   */
  readonly synchronous?: Synchronous
  /** How long a call waits for another process's write lock, in ms. Default 5,000. */
  readonly busyTimeout?: number
  /** Where the time comes from. Default: the database's clock, and timers of the machine for waiting. */
  readonly clock?: Clock
}

/** Says where and how it keeps its data, for whoever looks after it. */
export interface SqliteStore extends Store<SqliteTx> {
  readonly path: string
  readonly synchronous: Synchronous
}

/** What else a store is made of; only tests name it. */
export interface SqliteParts {
  readonly loadClient: () => Promise<SqliteClient>
}

const BUSY_TIMEOUT_MS = 5_000

/** A store in the SQLite database at `path`. `schema.migrate()` creates the file and its tables; `open()` never does. */
export function sqlite(path: string, options: SqliteOptions = {}): SqliteStore {
  return sqliteStore(path, options, { loadClient: () => loadSqlite() })
}

export function sqliteStore(path: string, options: SqliteOptions, { loadClient }: SqliteParts): SqliteStore {
  const settings = checked(path, options)
  const access = newAccess({ ...settings, path, loadClient })
  return {
    name: 'sqlite',
    path,
    synchronous: settings.synchronous,
    capabilities: {
      durability: 'disk',
      transactionalSettle: 'sync',
      transactionalAppend: false,
      shared: true,
    },
    wake: access.wake,
    reader: readerOf(access),
    control: controlOf(access),
    nodes: nodesOf(access),
    schema: { state: access.schemaState, migrate: access.migrate },
    open: access.open,
    close: access.close,
    append: (drafts, appendOptions) => append(access, drafts, appendOptions),
    claim: (request) =>
      access.workIfAny(
        ({ claimer }, now) => claimer.hasWork(request, now),
        ({ claimer }, now, hints) => claimer.claim(request, now, hints),
        [],
      ),
    extend: (items, leaseMs) =>
      access.commit(({ settler }, now, hints) =>
        items.map((item) => settler.extend(item, leaseMs, now, hints)),
      ),
    settle: (items) =>
      access.commit(({ settler }, now, hints) => items.map((item) => settler.settle(item, now, hints))),
    settleWithin: (leases, work) =>
      access.work(({ within, now }, _, hints) => within.settleWithin(leases, work, now, hints)),
    promote: (request) =>
      access.workIfAny(
        ({ promoter }, now) => promoter.hasWork(now),
        ({ promoter }, now, hints) => promoter.promote(request, now, hints),
        0,
      ),
    prune: (request) =>
      access.workIfAny(
        ({ pruner }, now) => pruner.hasWork(request, now),
        ({ pruner }, now) => pruner.prune(request, now),
        { chunks: 0, commands: 0, keys: 0 },
      ),
    probe: () => access.commit(({ probe }) => probe()),
  }
}

async function append(
  access: Access,
  drafts: readonly ChunkDraft[],
  { tx, atomic = false }: AppendOptions<SqliteTx> = {},
): Promise<readonly AppendResult[]> {
  if (tx !== undefined) throw noForeignTransaction()
  try {
    return await access.commit(({ appender }, now, hints) => appender.append(drafts, atomic, now, hints))
  } catch (error) {
    if (error instanceof AtomicConflict) return error.results
    throw error
  }
}

function readerOf(access: Access): StoreReader {
  return {
    get: (ids, { payload = false } = {}) => access.snapshot(({ reader }) => reader.get(ids, payload)),
    list: (request) => access.snapshot(({ reader }) => reader.list(request)),
    queues: () => access.snapshot(({ reader }) => reader.queues()),
    accounting: () => access.snapshot(({ reader }) => reader.accounting()),
  }
}

function controlOf(access: Access): StoreControl {
  return {
    cancel: (ids) => access.commit(({ controller }, now, hints) => controller.cancel(ids, now, hints)),
    redrive: (ids) => access.commit(({ controller }, now, hints) => controller.redrive(ids, now, hints)),
    configureQueue: (queue, change) =>
      access.commit(({ settings }, _, hints) => {
        const configured = settings.configure(queue, change)
        // There may be work for workers that found none before.
        if (!configured.paused) hints.add(queue, 0)
        return configured
      }),
    queueSettings: () => access.snapshot(({ allSettings }) => allSettings()),
  }
}

function nodesOf(access: Access): StoreNodes {
  return {
    heartbeat: (node, ttlMs) => access.work(({ registry }, now) => registry.heartbeat(node, ttlMs, now)),
    leave: (nodeId) => access.work(({ registry }, now) => registry.leave(nodeId, now)),
    list: () => access.snapshot(({ nodes, now }) => nodes.list(now())),
    acquire: (role, nodeId, leaseMs) =>
      access.work(({ registry }, now) => registry.acquire(role, nodeId, leaseMs, now)),
    release: (lease) => access.work(({ registry }, now) => registry.release(lease, now)),
    roles: () => access.snapshot(({ nodes }) => nodes.roles()),
  }
}

function checked(path: string, options: SqliteOptions) {
  const { synchronous = 'full', busyTimeout = BUSY_TIMEOUT_MS, clock = null } = options
  if (typeof path !== 'string' || path === '' || path.startsWith(':memory:') || path.startsWith('file:')) {
    throw new SpillwayError(
      'invalid_argument',
      `sqlite(): expected the path of a file, received ${JSON.stringify(path)}. Several connections share it; for a store in memory use memory() from 'spillway/memory'.`,
    )
  }
  if (synchronous !== 'full' && synchronous !== 'normal') {
    throw new SpillwayError('invalid_argument', `sqlite(): expected synchronous to be 'full' or 'normal'.`)
  }
  if (!Number.isFinite(busyTimeout) || busyTimeout < 0) {
    throw new SpillwayError(
      'invalid_argument',
      'sqlite(): expected busyTimeout to be milliseconds, at least 0.',
    )
  }
  return { synchronous, busyTimeoutMs: busyTimeout, clock }
}

function noForeignTransaction(): SpillwayError {
  return new SpillwayError(
    'unsupported',
    'Append without `tx`: the SQLite store commits on a connection of its own. Submit after your transaction committed.',
  )
}
