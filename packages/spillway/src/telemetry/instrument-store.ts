// Times every operation of a store, once around the port, so that drivers know nothing of telemetry and cannot forget it.
// The cost is per operation, never per command.

import type { Clock, Store, Telemetry } from '../ports/index.js'

type Timed = <Args extends readonly unknown[], Result>(
  operation: string,
  call: (...args: Args) => Promise<Result>,
) => (...args: Args) => Promise<Result>

export function instrumentStore<Tx>(
  store: Store<Tx>,
  telemetry: Telemetry,
  clock: Pick<Clock, 'monotonic'>,
): Store<Tx> {
  const timed: Timed =
    (operation, call) =>
    async (...args) => {
      const startedAt = clock.monotonic()
      let outcome: 'ok' | 'error' = 'error'
      try {
        const result = await call(...args)
        outcome = 'ok'
        return result
      } finally {
        telemetry.record({
          event: 'store.operation',
          operation,
          outcome,
          durationMs: clock.monotonic() - startedAt,
        })
      }
    }
  const { reader, control, nodes, shared, schema } = store
  return {
    name: store.name,
    // Some stores know what they can do only once they are open.
    get capabilities() {
      return store.capabilities
    },
    wake: store.wake,
    open: timed('open', () => store.open()),
    close: timed('close', () => store.close()),
    append: timed('append', (drafts, options) => store.append(drafts, options)),
    appendSettled: timed('append_settled', (drafts, rows, options) =>
      store.appendSettled(drafts, rows, options),
    ),
    claim: timed('claim', (request) => store.claim(request)),
    readyTenants: timed('ready_tenants', (queue, types, limit) => store.readyTenants(queue, types, limit)),
    extend: timed('extend', (items, leaseMs) => store.extend(items, leaseMs)),
    settle: timed('settle', (items) => store.settle(items)),
    settleWithin: timed('settle_within', (leases, work) => store.settleWithin(leases, work)),
    promote: timed('promote', (request) => store.promote(request)),
    prune: timed('prune', (request) => store.prune(request)),
    probe: timed('probe', () => store.probe()),
    reader: {
      get: timed('get', (ids, options) => reader.get(ids, options)),
      list: timed('list', (request) => reader.list(request)),
      waiting: timed('waiting', (tokenHash) => reader.waiting(tokenHash)),
      errorGroups: timed('error_groups', (request) => reader.errorGroups(request)),
      audit: timed('audit_list', (request) => reader.audit(request)),
      queues: timed('queues', () => reader.queues()),
      accounting: timed('accounting', () => reader.accounting()),
    },
    control: {
      cancel: timed('cancel', (ids, options) => control.cancel(ids, options)),
      redrive: timed('redrive', (ids, options) => control.redrive(ids, options)),
      discard: timed('discard', (ids, options) => control.discard(ids, options)),
      complete: timed('complete', (items, options) => control.complete(items, options)),
      configureQueue: timed('configure_queue', (queue, change, audit) =>
        control.configureQueue(queue, change, audit),
      ),
      audit: timed('audit', (note, count) => control.audit(note, count)),
      queueSettings: timed('queue_settings', () => control.queueSettings()),
    },
    nodes: {
      heartbeat: timed('node_heartbeat', (node, ttlMs) => nodes.heartbeat(node, ttlMs)),
      leave: timed('node_leave', (nodeId) => nodes.leave(nodeId)),
      list: timed('nodes', () => nodes.list()),
      acquire: timed('role_acquire', (role, nodeId, leaseMs) => nodes.acquire(role, nodeId, leaseMs)),
      release: timed('role_release', (lease) => nodes.release(lease)),
      roles: timed('roles', () => nodes.roles()),
    },
    shared: {
      read: timed('shared_read', (keys) => shared.read(keys)),
      write: timed('shared_write', (writes) => shared.write(writes)),
      keys: timed('shared_keys', (prefix, limit, after) => shared.keys(prefix, limit, after)),
    },
    schema: {
      state: timed('schema_state', () => schema.state()),
      migrate: timed('migrate', () => schema.migrate()),
    },
  }
}
