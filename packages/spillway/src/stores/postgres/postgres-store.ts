// The PostgreSQL store: one database, any number of processes on any number of hosts. Most calls are one statement and one round
// trip, a function of the store's schema that decides by the database's clock.

import type { PoolClient } from 'pg'
import {
  appendTerms,
  type ExaminedStore,
  type Store,
  type StoreControl,
  type StoreNodes,
  type StoreReader,
  type StoreShared,
} from '../../ports/index.js'
import { type Access, newAccess, type PostgresParts } from './access.js'
import { newAppend } from './append.js'
import { newAppendSettled } from './append-settled.js'
import { newAppendWithin } from './append-within.js'
import { newBulkWriter } from './bulk-write.js'
import { claim, readyTenants } from './claim.js'
import { newControl } from './control.js'
import { examine } from './examine.js'
import { machinePause, machineRandom } from './machine.js'
import { newNodes } from './nodes.js'
import { type PostgresOptions, type PostgresSettings, settingsOf } from './options.js'
import { probe } from './probe.js'
import { newPromoter } from './promote.js'
import { newPruner } from './prune.js'
import { newReader } from './reader.js'
import { extend, settle } from './settle.js'
import { settleWithin } from './settle-within.js'
import { newShared } from './shared.js'

/** Says where it keeps its data, for whoever looks after it. */
export interface PostgresStore extends ExaminedStore<PoolClient> {
  /** Host and database; no user, no password. */
  readonly where: string
  readonly schemaName: string
}

/**
 * A store in a PostgreSQL database, 13 or later. `schema.migrate()` creates its schema and tables; `open()` never does.
 * `postgres(url)`, `postgres(url, options)` or `postgres({ pool, ...options })`.
 */
export function postgres(first: string | PostgresOptions, options: PostgresOptions = {}): PostgresStore {
  return postgresStore(settingsOf(first, options), { pause: machinePause, random: machineRandom })
}

function postgresStore(settings: PostgresSettings, parts: PostgresParts): PostgresStore {
  const access = newAccess(settings, parts)
  const { call, database, wake } = access
  const { prepare, queryTimeoutMs, idleTransactionMs } = settings
  const bulkWriter = newBulkWriter({ prepare, queryTimeoutMs, errorOf: access.connections.errorOf })
  const within = { ...access, bulkWriter, idleTransactionMs }
  const promote = newPromoter(database)
  const prune = newPruner(database)
  const append = appender(access)
  const appendSettled = newAppendSettled(within)
  return {
    name: 'postgres',
    where: access.connections.where,
    schemaName: settings.schema,
    capabilities: {
      durability: 'disk',
      transactionalSettle: 'async',
      transactionalAppend: true,
      shared: true,
    },
    wake: { subscribe: (listener) => wake.subscribe(listener) },
    reader: whileOpen<StoreReader>(access, newReader(database)),
    control: whileOpen<StoreControl>(access, newControl(database)),
    nodes: whileOpen<StoreNodes>(access, newNodes(database)),
    shared: whileOpen<StoreShared>(access, newShared(database)),
    schema: { state: () => access.schema.state(), migrate: () => access.schema.migrate() },
    open: () => access.open(),
    close: () => access.close(),
    append: (drafts, appendOptions) => call(() => append(drafts, appendOptions)),
    appendSettled: (drafts, rows, settledOptions) => call(() => appendSettled(drafts, rows, settledOptions)),
    claim: (request) => {
      wake.claiming(request.queue)
      return call(() => claim(database, request))
    },
    readyTenants: (queue, types, limit) => call(() => readyTenants(database, queue, types, limit)),
    extend: (items, leaseMs) => call(() => extend(database, items, leaseMs)),
    settle: (items) => call(() => settle(database, items)),
    settleWithin: (leases, work) => call(() => settleWithin(within, leases, work)),
    promote: (request) => call(() => promote(request)),
    prune: (request) => call(() => prune(request)),
    probe: () => call(() => probe(database)),
    examine: (now) => examine(settings, access, { pause: parts.pause, now }),
  }
}

function appender({ database, channel, connections }: Access): Store<PoolClient>['append'] {
  const append = newAppend(database)
  const appendWithin = newAppendWithin(database, { channel, where: connections.where })
  return async (drafts, options) => {
    const terms = appendTerms(options)
    return options?.tx === undefined ? append(drafts, terms) : appendWithin(options.tx, drafts, terms.atomic)
  }
}

/** The same methods, which reject while the store is closed. */
function whileOpen<Part extends object>({ call }: Access, part: Part): Part {
  const methods = Object.entries(part) as [string, (...args: unknown[]) => Promise<unknown>][]
  const guarded = methods.map(([name, method]) => [name, (...args: unknown[]) => call(() => method(...args))])
  return Object.fromEntries(guarded) as Part
}
