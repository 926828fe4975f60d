// Everything an open store holds: its connections and the statements prepared on them.
//
// `durable` commits what was promised to somebody: appends, outcomes, operators' verbs, what processes share. With
// `synchronous: full` each of its commits is on the disk. `working` commits what a power cut may undo without harm, because
// it is undone as a whole and happens again: leases, heartbeats, promotions, and effects together with their settlement.
// Handlers get this one, never the first: what they leave half done cannot end up in an append. `reading` sees what is
// committed, whoever asks.

import type { QueueSettings } from '../../domain/index.js'
import type { Clock } from '../../ports/index.js'
import { type Appender, prepareAppender } from './append.js'
import { prepareSettledAppender, type SettledAppender } from './append-settled.js'
import { type AuditWriter, prepareAuditWriter } from './audit.js'
import { type Claimer, prepareClaimer } from './claim.js'
import type { SqliteClient, SqliteTx } from './client.js'
import { type Connection, openConnection, type Synchronous } from './connection.js'
import { type Controller, prepareController } from './control.js'
import { type NodeReading, type NodeRegistry, prepareNodeReading, prepareNodeRegistry } from './nodes.js'
import { prepareProbe } from './probe.js'
import { type Promoter, preparePromoter } from './promote.js'
import { type Pruner, preparePruner } from './prune.js'
import { prepareAllSettings, prepareSettings, type Settings } from './queues.js'
import { prepareReading, type Reading } from './reader.js'
import { prepareReadyTenants, type ReadyTenants } from './ready-tenants.js'
import { prepareSettler, type Settler } from './settle.js'
import { prepareWithinSettler, type WithinSettler } from './settle-within.js'
import { prepareSharedReading, prepareSharedWriter, type SharedReading, type SharedWriter } from './shared.js'

export interface Session {
  readonly durable: Connection & DurableStatements
  readonly working: Connection & WorkingStatements
  readonly reading: Connection & ReadingStatements
  close(): void
}

interface DurableStatements {
  readonly appender: Appender
  readonly settledAppender: SettledAppender
  readonly settler: Settler
  readonly controller: Controller
  readonly settings: Settings
  readonly audit: AuditWriter
  readonly shared: SharedWriter
  readonly probe: () => void
}

interface ReadingStatements {
  readonly reader: Reading
  readonly nodes: NodeReading
  readonly readyTenants: ReadyTenants
  readonly shared: SharedReading
  readonly allSettings: () => Map<string, QueueSettings>
}

interface WorkingStatements {
  readonly registry: NodeRegistry
  readonly claimer: Claimer
  readonly within: WithinSettler
  readonly promoter: Promoter
  readonly pruner: Pruner
}

export interface SessionOptions {
  readonly path: string
  readonly synchronous: Synchronous
  readonly clock: Pick<Clock, 'now'> | null
}

export function openSession(client: SqliteClient, options: SessionOptions): Session {
  const open: Connection[] = []
  const connect = (synchronous: Synchronous, readOnly = false): Connection => {
    const connection = openConnection(client, { ...options, synchronous, readOnly })
    open.push(connection)
    return connection
  }
  const close = (): void => {
    // The last one to close empties the log, which a reader could not.
    for (const connection of open.splice(0).reverse()) connection.close()
  }
  try {
    const durable = connect(options.synchronous)
    const working = connect('normal')
    const reading = connect('normal', true)
    return {
      durable: { ...durable, ...durableStatements(durable.db, options.path) },
      working: { ...working, ...workingStatements(working.db, options.path) },
      reading: { ...reading, ...readingStatements(reading.db) },
      close,
    }
  } catch (error) {
    close()
    throw error
  }
}

function durableStatements(db: SqliteTx, path: string): DurableStatements {
  const appender = prepareAppender(db)
  return {
    appender,
    settledAppender: prepareSettledAppender(db, appender, path),
    settler: prepareSettler(db, appender),
    controller: prepareController(db, appender),
    settings: prepareSettings(db),
    audit: prepareAuditWriter(db),
    shared: prepareSharedWriter(db),
    probe: prepareProbe(db),
  }
}

function workingStatements(db: SqliteTx, path: string): WorkingStatements {
  return {
    registry: prepareNodeRegistry(db),
    claimer: prepareClaimer(db),
    within: prepareWithinSettler(db, prepareSettler(db, prepareAppender(db)), path),
    promoter: preparePromoter(db),
    pruner: preparePruner(db),
  }
}

function readingStatements(db: SqliteTx): ReadingStatements {
  return {
    reader: prepareReading(db),
    nodes: prepareNodeReading(db),
    readyTenants: prepareReadyTenants(db),
    shared: prepareSharedReading(db),
    allSettings: prepareAllSettings(db),
  }
}
