// The store in MySQL or MariaDB: any number of processes on any number of hosts. Each call is one short transaction in as few round
// trips as it needs; the parts get the session and the wake-ups and know nothing of each other.

import {
  appendTerms,
  type ExaminedStore,
  encryption,
  type Finding,
  fine,
  type StoreControl,
  type StoreNodes,
  type StoreReader,
  type StoreSchema,
  type StoreShared,
} from '../../ports/index.js'
import { type Access, newAccess, onConnection } from './access.js'
import { listAudit } from './audit.js'
import { claim } from './claim.js'
import type { Connection } from './connection.js'
import { account, countQueues } from './counts.js'
import { readErrorGroups } from './error-groups.js'
import type { MysqlTx } from './handlers-tx.js'
import { listCommands } from './listing.js'
import { checkOptions, type MysqlOptions, type StoreSettings } from './options.js'
import { probe } from './probe.js'
import { readCommands } from './reader.js'
import { readyTenants } from './ready-tenants.js'
import { migrate, readInstalled, stateOf } from './schema.js'
import { readServer } from './server.js'
import { checkClock, serverFindings } from './server-findings.js'
import { nowSql } from './session.js'
import { extend, settle } from './settle.js'
import { settleWithin } from './settle-within.js'
import { readWaiting } from './waiting.js'
import { newWake } from './wake.js'

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
    shared: sharedOf(access),
    schema: schemaOf(settings),
    open: access.open,
    close: access.close,
    append: async (drafts, options) => {
      const { session, appender } = access.parts()
      const terms = appendTerms(options)
      return options?.tx === undefined
        ? appender.append(session, wake, drafts, terms)
        : appender.appendWithin(session, options.tx, drafts, terms.atomic)
    },
    appendSettled: async (drafts, rows, options) => access.parts().appendSettled(drafts, rows, options),
    claim: async (request) => {
      const { session, leased } = access.parts()
      const leases = await claim(session, wake, request)
      leased.remember(leases)
      return leases
    },
    readyTenants: async (queue, types, limit) => readyTenants(access.parts().session, queue, types, limit),
    extend: async (items, leaseMs) => extend(access.parts(), wake, items, leaseMs),
    settle: async (items) => settle(access.parts(), wake, items),
    settleWithin: async (leases, work) => settleWithin(access.parts(), wake, leases, work),
    promote: async (request) => access.parts().promote(request),
    prune: async (request) => access.parts().prune(request),
    probe: async () => probe(access.parts().session),
    examine: (now) => examine(settings, now),
  }
}

function readerOf(access: Access): StoreReader {
  const inSnapshot = async <T>(read: (db: Connection, now: string) => Promise<T>): Promise<T> => {
    const { session } = access.parts()
    return session.snapshot((db) => read(db, session.now()))
  }
  return {
    get: (ids, { payload = false } = {}) => inSnapshot((db) => readCommands(db, ids, payload)),
    list: (request) => inSnapshot((db) => listCommands(db, request)),
    waiting: (tokenHash) => inSnapshot((db, now) => readWaiting(db, tokenHash, now)),
    errorGroups: (request) => inSnapshot((db) => readErrorGroups(db, request)),
    audit: (request) => inSnapshot((db) => listAudit(db, request)),
    queues: () => inSnapshot(countQueues),
    accounting: () => inSnapshot(account),
  }
}

function controlOf(access: Access): StoreControl {
  const control = (): StoreControl => access.parts().control
  return {
    cancel: async (ids, options) => control().cancel(ids, options),
    redrive: async (ids, options) => control().redrive(ids, options),
    discard: async (ids, options) => control().discard(ids, options),
    complete: async (items, options) => control().complete(items, options),
    configureQueue: async (queue, change, audit) => control().configureQueue(queue, change, audit),
    queueSettings: async () => control().queueSettings(),
    audit: async (note, count) => control().audit(note, count),
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

function sharedOf(access: Access): StoreShared {
  return {
    read: async (keys) => access.parts().shared.read(keys),
    write: async (writes) => access.parts().shared.write(writes),
    keys: async (prefix, limit, after) => access.parts().shared.keys(prefix, limit, after),
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

function examine(settings: StoreSettings, now: () => number): Promise<Finding[]> {
  const { target, place } = settings
  // Without TLS to be had the driver does not go on.
  const way = encryption(target.ssl !== undefined, new URL(target.uri ?? '').hostname)
  return onConnection(settings, async (connection) => {
    const findings = serverFindings(await readServer(connection), settings)
    const [clock] = await connection.send([`select ${nowSql(null)} as now`])
    return [fine('server', place), way, ...findings, checkClock(Number(clock?.rows[0]?.now), now())]
  })
}
