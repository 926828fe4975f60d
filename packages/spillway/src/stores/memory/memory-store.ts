// The memory store: the model that says, in the least code, what every store must do. It serves simulations and users'
// own tests; nothing in it survives the process. Each call is one synchronous step, so calls cannot interleave.

import { SpillwayError } from '../../errors/index.js'
import type { Clock, SchemaState, Store } from '../../ports/index.js'
import { append } from './append.js'
import { claim } from './claim.js'
import { cancelOne, configureQueue, queueSettings, redriveOne } from './control.js'
import { machineClock } from './default-clock.js'
import { acquireRole, heartbeat, leave, listNodes, listRoles, releaseRole } from './nodes.js'
import { promote } from './promote.js'
import { prune } from './prune.js'
import { account, countQueues, getCommands, listCommands } from './reader.js'
import { extendOne, settleOne } from './settle.js'
import { settleWithin } from './settle-within.js'
import { type MemoryState, newState } from './state.js'
import { copyRow, type MemoryRow, type MemoryTx } from './tables.js'
import { newWake } from './wake.js'

export interface MemoryOptions {
  /** Where the store's time comes from. Default: the machine's clock. */
  readonly clock?: Pick<Clock, 'now'>
}

const NO_SCHEMA: SchemaState = Object.freeze({ current: 0, target: 0, pending: Object.freeze([]) })

const states = new WeakMap<Store<MemoryTx>, MemoryState>()

export function memory(options: MemoryOptions = {}): Store<MemoryTx> {
  const clock = options.clock ?? machineClock
  const now = () => clock.now()
  const state = newState()
  const { wake, notify } = newWake()
  let closed = false

  async function run<T>(step: () => T): Promise<T> {
    if (closed) throw new SpillwayError('closed', 'Open the store again before using it: it was closed.')
    return step()
  }

  const store: Store<MemoryTx> = {
    name: 'memory',
    capabilities: {
      durability: 'process',
      transactionalSettle: 'sync',
      transactionalAppend: false,
      shared: false,
    },
    wake,
    schema: { state: async () => NO_SCHEMA, migrate: async () => NO_SCHEMA },
    open: async () => {
      closed = false
    },
    close: async () => {
      closed = true
    },
    append: (drafts, { tx, atomic = false } = {}) =>
      run(() => {
        if (tx !== undefined)
          throw new SpillwayError(
            'unsupported',
            'Append without `tx`: the memory store has no transactions of the caller.',
          )
        return append(state, drafts, atomic, now(), notify)
      }),
    claim: (request) => run(() => claim(state, request, now())),
    extend: (items, leaseMs) =>
      run(() => items.map((item) => extendOne(state, item, leaseMs, now(), notify))),
    settle: (items) => run(() => items.map((item) => settleOne(state, item, now()))),
    settleWithin: (leases, work) => run(() => settleWithin(state, leases, work, now)),
    promote: (request) => run(() => promote(state, request, now(), notify)),
    prune: (request) => run(() => prune(state, request, now())),
    probe: () => run(() => {}),
    control: {
      cancel: (ids) => run(() => ids.map((id) => cancelOne(state, id, now()))),
      redrive: (ids) => run(() => ids.map((id) => redriveOne(state, id, now(), notify))),
      configureQueue: (queue, change) => run(() => configureQueue(state, queue, change, notify)),
      queueSettings: () => run(() => queueSettings(state)),
    },
    nodes: {
      heartbeat: (node, ttlMs) => run(() => heartbeat(state, node, ttlMs, now())),
      leave: (nodeId) => run(() => leave(state, nodeId, now())),
      list: () => run(() => listNodes(state, now())),
      acquire: (role, nodeId, leaseMs) => run(() => acquireRole(state, role, nodeId, leaseMs, now())),
      release: (lease) => run(() => releaseRole(state, lease, now())),
      roles: () => run(() => listRoles(state)),
    },
    reader: {
      get: (ids, { payload = false } = {}) => run(() => getCommands(state, ids, payload)),
      list: (request) => run(() => listCommands(state, request)),
      queues: () => run(() => countQueues(state)),
      accounting: () => run(() => account(state)),
    },
  }
  states.set(store, state)
  return store
}

/** Rows of a table that handlers wrote into, for assertions. In order of insertion; empty when nobody wrote any. */
export function rowsOf(store: Store<MemoryTx>, table: string): readonly MemoryRow[] {
  const state = states.get(store)
  if (state === undefined)
    throw new SpillwayError('invalid_argument', 'Pass rowsOf() what memory() returned.')
  return [...(state.tables.get(table)?.values() ?? [])].map(copyRow)
}
