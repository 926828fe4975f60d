// The SQLite store: one file, any number of processes on one machine. Each call is one synchronous transaction on the
// connection it belongs to; only waiting for another process's lock is asynchronous.

import type { ChunkDraft } from '../../domain/index.js'
import { SpillwayError } from '../../errors/index.js'
import {
  type AppendOptions,
  type AppendResult,
  appendTerms,
  type BulkWrite,
  type Store,
} from '../../ports/index.js'
import { type Access, newAccess } from './access.js'
import { AtomicConflict } from './append.js'
import { MoreToSay } from './append-settled.js'
import { loadSqlite, type SqliteClient, type SqliteTx } from './client.js'
import type { Synchronous } from './connection.js'
import { controlOf, nodesOf, readerOf, sharedOf } from './facets.js'
import { checked, type SqliteOptions } from './options.js'

/** Says where and how it keeps its data, for whoever looks after it. */
export interface SqliteStore extends Store<SqliteTx> {
  readonly path: string
  readonly synchronous: Synchronous
}

/** What else a store is made of; only tests name it. */
export interface SqliteParts {
  readonly loadClient: () => Promise<SqliteClient>
}

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
    shared: sharedOf(access),
    schema: { state: access.schemaState, migrate: access.migrate },
    open: access.open,
    close: access.close,
    append: (drafts, appendOptions) => append(access, drafts, appendOptions),
    appendSettled: (drafts, rows) => appendSettled(access, drafts, rows),
    claim: (request) =>
      access.workIfAny(
        ({ claimer }, now) => claimer.hasWork(request, now),
        ({ claimer }, now, hints) => claimer.claim(request, now, hints),
        [],
      ),
    readyTenants: (queue, types, limit) =>
      access.snapshot(({ readyTenants, now }) => readyTenants(queue, types, limit, now())),
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
  options?: AppendOptions<SqliteTx>,
): Promise<readonly AppendResult[]> {
  const terms = appendTerms(options)
  if (options?.tx !== undefined) throw noForeignTransaction()
  try {
    return await access.commit(({ appender }, now, hints) => appender.append(drafts, terms, now, hints))
  } catch (error) {
    if (error instanceof AtomicConflict) return error.results
    throw error
  }
}

async function appendSettled(
  access: Access,
  drafts: readonly ChunkDraft[],
  rows: BulkWrite,
): Promise<number | null> {
  try {
    return await access.commit(({ settledAppender }, now) => settledAppender(drafts, rows, now))
  } catch (error) {
    if (error instanceof MoreToSay) return null
    throw error
  }
}

function noForeignTransaction(): SpillwayError {
  return new SpillwayError(
    'unsupported',
    'Append without `tx`: the SQLite store commits on a connection of its own. Submit after your transaction committed.',
  )
}
