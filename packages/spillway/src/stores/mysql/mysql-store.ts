// The store in MySQL or MariaDB: any number of processes on any number of hosts. Each call is one short transaction in as few round
// trips as it needs; the parts get the session and the wake-ups and know nothing of each other.

import {
  type ExaminedStore,
  type Finding,
  fine,
  type StoreControl,
  type StoreNodes,
  type StoreReader,
  type StoreSchema,
} from '../../ports/index.js'
import { newAppender } from './append.js'
import { newBulkWriter } from './bulk-write.js'
import { claim } from './claim.js'
import { type Connection, connect } from './connection.js'
import { newControl } from './control.js'
import { account, countQueues } from './counts.js'
import { closedError, storeError } from './errors.js'
import type { MysqlTx } from './handlers-tx.js'
import { newKeyTables } from './key-tables.js'
import { newLeasedChunks } from './leased-chunks.js'
import { listCommands } from './listing.js'
import { newNodes } from './nodes.js'
import { checkOptions, type MysqlOptions, type StoreSettings } from './options.js'
import { probe } from './probe.js'
import { promote } from './promote.js'
import { newPruner } from './prune.js'
import { newQueueNames } from './queue-names.js'
import { readCommands } from './reader.js'
import { assertUsable, migrate, readInstalled, stateOf } from './schema.js'
import { assertServer, readServer } from './server.js'
import { checkClock, serverFindings } from './server-findings.js'
import { nowSql, openSession, type Session } from './session.js'
import { extend, settle } from './settle.js'
import { settleWithin } from './settle-within.js'
import { newWake, type Wake } from './wake.js'

/** Says where it keeps its data, for whoever looks after it. */
export interface MysqlStore extends ExaminedStore<MysqlTx> {
  /** `host:port/database`, without user and password. */
  readonly place: string
}

/** A store in the database that `url` names: `mysql://user:password@host:3306/database`. */
export function mysql(url: string, options: MysqlOptions = {}): MysqlStore {
  const settings = checkOptions(url, options)
  const { place } = settings
  const wake = newWake()
  const access = newAccess(settings, wake)
  return {
    name: 'mysql',
    place,
    capabilities: {
      durability: 'disk',
      transactionalSettle: 'async',
      transactionalAppend: true,
      shared: true,
    },
    wake,
    reader: readerOf(access),
    control: controlOf(access),
    nodes: nodesOf(access),
    schema: schemaOf(settings),
    open: access.open,
    close: access.close,
    append: async (drafts, { tx, atomic = false } = {}) => {
      const { session, appender } = access.parts()
      return tx === undefined
        ? appender.append(session, wake, drafts, atomic)
        : appender.appendWithin(session, tx, drafts, atomic)
    },
    claim: async (request) => {
      const { session, leased } = access.parts()
      const leases = await claim(session, wake, request)
      leased.remember(leases)
      return leases
    },
    extend: async (items, leaseMs) => extend(access.parts().session, wake, items, leaseMs),
    settle: async (items) => {
      const { session, leased } = access.parts()
      return settle(session, wake, items, leased)
    },
    settleWithin: async (leases, work) => {
      const { session, bulkWriter } = access.parts()
      return settleWithin(session, wake, bulkWriter, leases, work)
    },
    promote: async (request) => promote(access.parts().session, wake, request),
    prune: async (request) => access.parts().prune(request),
    probe: async () => probe(access.parts().session),
    examine: (now) => examine(settings, now),
  }
}

/** What an open store is made of. */
interface Parts extends ReturnType<typeof partsOf> {}

interface Access {
  open(): Promise<void>
  close(): Promise<void>
  /** Throws `closed` unless the store is open. */
  parts(): Parts
}

function partsOf(session: Session, wake: Wake) {
  return {
    session,
    appender: newAppender(newKeyTables(), newQueueNames()),
    bulkWriter: newBulkWriter(session.place),
    leased: newLeasedChunks(),
    prune: newPruner(session),
    control: newControl(session, wake),
    nodes: newNodes(session),
  }
}

function newAccess(settings: StoreSettings, wake: Wake): Access {
  const { place, synchronous } = settings
  let parts: Parts | null = null
  return {
    async open() {
      if (parts !== null) return
      await onConnection(settings, async (connection) => {
        assertServer(await readServer(connection), synchronous, place)
        assertUsable(await readInstalled(connection), place)
      })
      parts ??= partsOf(openSession(settings), wake)
    },
    async close() {
      const closing = parts
      parts = null
      await closing?.session.close()
    },
    parts() {
      if (parts === null) throw closedError(place)
      return parts
    },
  }
}

function readerOf(access: Access): StoreReader {
  const inSnapshot = async <T>(read: (db: Connection) => Promise<T>): Promise<T> =>
    access.parts().session.snapshot(read)
  return {
    get: (ids, { payload = false } = {}) => inSnapshot((db) => readCommands(db, ids, payload)),
    list: (request) => inSnapshot((db) => listCommands(db, request)),
    queues: () => inSnapshot(countQueues),
    accounting: () => inSnapshot(account),
  }
}

function controlOf(access: Access): StoreControl {
  return {
    cancel: async (ids) => access.parts().control.cancel(ids),
    redrive: async (ids) => access.parts().control.redrive(ids),
    configureQueue: async (queue, change) => access.parts().control.configureQueue(queue, change),
    queueSettings: async () => access.parts().control.queueSettings(),
  }
}

function nodesOf(access: Access): StoreNodes {
  return {
    heartbeat: async (node, ttlMs) => access.parts().nodes.heartbeat(node, ttlMs),
    leave: async (nodeId) => access.parts().nodes.leave(nodeId),
    list: async () => access.parts().nodes.list(),
    acquire: async (role, nodeId, leaseMs) => access.parts().nodes.acquire(role, nodeId, leaseMs),
    release: async (lease) => access.parts().nodes.release(lease),
    roles: async () => access.parts().nodes.roles(),
  }
}

/** Works on a store that is not open. */
function schemaOf(settings: StoreSettings): StoreSchema {
  const { place, clock } = settings
  return {
    state: () => onConnection(settings, async (connection) => stateOf(await readInstalled(connection))),
    migrate: () => onConnection(settings, (connection) => migrate(connection, nowSql(clock), place)),
  }
}

function examine(settings: StoreSettings, now: number): Promise<Finding[]> {
  return onConnection(settings, async (connection) => {
    const findings = serverFindings(await readServer(connection), settings)
    const [clock] = await connection.send([`select ${nowSql(null)} as now`])
    return [fine('server', settings.place), ...findings, checkClock(Number(clock?.rows[0]?.now), now)]
  })
}

async function onConnection<T>(
  settings: StoreSettings,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    const connection = await connect({ ...settings, purpose: 'work' })
    try {
      return await work(connection)
    } finally {
      await connection.end()
    }
  } catch (error) {
    throw storeError(error, settings.place)
  }
}
