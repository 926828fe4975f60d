// The memory store: the model that says, in the least code, what every store must do. It serves simulations and users'
// own tests; nothing in it survives the process. Each call is one synchronous step, so calls cannot interleave.

import { SpillwayError } from '../../errors/index.js'
import { appendTerms, type Clock, type CommandView, type SchemaState, type Store } from '../../ports/index.js'
import { append } from './append.js'
import { appendSettled } from './append-settled.js'
import { listAudit } from './audit.js'
import { claim, readyTenants } from './claim.js'
import { waitingFor } from './completion.js'
import { newControl } from './control.js'
import { machineClock } from './default-clock.js'
import { groupErrors } from './error-groups.js'
import { acquireRole, heartbeat, leave, listNodes, listRoles, releaseRole } from './nodes.js'
import { promote } from './promote.js'
import { prune } from './prune.js'
import { account, countQueues, getCommands, listCommands } from './reader.js'
import { extendOne, settleOne } from './settle.js'
import { settleWithin } from './settle-within.js'
import { readShared, sharedKeys, writeShared } from './shared.js'
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

  async function run<T>(step: (now: number) => T): Promise<T> {
    if (closed) throw new SpillwayError('closed', 'Open the store again before using it: it was closed.')
    return step(clock.now())
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
    append: (drafts, options) =>
      run((now) => {
        const terms = appendTerms(options)
        if (options?.tx !== undefined)
          throw new SpillwayError(
            'unsupported',
            'Append without `tx`: the memory store has no transactions of the caller.',
          )
        return append(state, drafts, terms, now, notify)
      }),
    appendSettled: (drafts, rows) => run((now) => appendSettled(state, drafts, rows, now)),
    claim: (request) => run((now) => claim(state, request, now)),
    readyTenants: (queue, types, limit) => run((now) => readyTenants(state, queue, types, limit, now)),
    extend: (items, leaseMs) =>
      run((now) => items.map((item) => extendOne(state, item, leaseMs, now, notify))),
    settle: (items) => run((now) => items.map((item) => settleOne(state, item, now, notify))),
    settleWithin: (leases, work) => run(() => settleWithin(state, leases, work, now, notify)),
    promote: (request) => run((now) => promote(state, request, now, notify)),
    prune: (request) => run((now) => prune(state, request, now)),
    probe: () => run(() => {}),
    control: newControl(state, run, notify),
    shared: {
      read: (keys) => run((now) => readShared(state, keys, now)),
      write: (writes) => run((now) => writeShared(state, writes, now)),
      keys: (prefix, limit, after) => run((now) => sharedKeys(state, prefix, limit, after, now)),
    },
    nodes: {
      heartbeat: (node, ttlMs) => run((now) => heartbeat(state, node, ttlMs, now)),
      leave: (nodeId) => run((now) => leave(state, nodeId, now)),
      list: () => run((now) => listNodes(state, now)),
      acquire: (role, nodeId, leaseMs) => run((now) => acquireRole(state, role, nodeId, leaseMs, now)),
      release: (lease) => run((now) => releaseRole(state, lease, now)),
      roles: () => run(() => listRoles(state)),
    },
    reader: {
      get: (ids, { payload = false } = {}) => run(() => getCommands(state, ids, payload)),
      list: (request) => run(() => listCommands(state, request)),
      waiting: (tokenHash) => run((now) => waitingFor(state, tokenHash, now)),
      errorGroups: (request) => run(() => groupErrors(state, request)),
      audit: (request) => run(() => listAudit(state, request)),
      queues: () => run(() => countQueues(state)),
      accounting: () => run(() => account(state)),
    },
  }
  states.set(store, state)
  return store
}

/** Rows of a table that handlers wrote into, for assertions. In order of insertion; empty when nobody wrote any. */
export function rowsOf(store: Store<MemoryTx>, table: string): readonly MemoryRow[] {
  return [...(stateOf(store, 'rowsOf').tables.get(table)?.values() ?? [])].map(copyRow)
}

/** The command as it is at this moment, with its payload, for assertions; null when the store has none of that id. */
export function commandOf(store: Store<MemoryTx>, id: string): CommandView | null {
  return getCommands(stateOf(store, 'commandOf'), [id], true)[0] ?? null
}

function stateOf(store: Store<MemoryTx>, caller: string): MemoryState {
  const state = states.get(store)
  if (state !== undefined) return state
  throw new SpillwayError('invalid_argument', `Pass ${caller}() what memory() returned.`)
}
