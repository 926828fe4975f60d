// The ports beside the store's own: reading, operators' verbs, nodes and shared values, each call on the connection it belongs to.

import type { StoreControl, StoreNodes, StoreReader, StoreShared } from '../../ports/index.js'
import type { Access } from './access.js'
import { assertSharedSizes } from './shared.js'

export function readerOf(access: Access): StoreReader {
  return {
    get: (ids, { payload = false } = {}) => access.snapshot(({ reader }) => reader.get(ids, payload)),
    list: (request) => access.snapshot(({ reader }) => reader.list(request)),
    waiting: (tokenHash) => access.snapshot(({ reader, now }) => reader.waiting(tokenHash, now())),
    errorGroups: (request) => access.snapshot(({ reader }) => reader.errorGroups(request)),
    audit: (request) => access.snapshot(({ reader }) => reader.audit(request)),
    queues: () => access.snapshot(({ reader }) => reader.queues()),
    accounting: () => access.snapshot(({ reader }) => reader.accounting()),
  }
}

export function controlOf(access: Access): StoreControl {
  return {
    cancel: (ids, options = {}) =>
      access.commit(({ controller }, now, hints) => controller.cancel(ids, options, now, hints)),
    redrive: (ids, options = {}) =>
      access.commit(({ controller }, now, hints) => controller.redrive(ids, options, now, hints)),
    discard: (ids, options = {}) =>
      access.commit(({ controller }, now, hints) => controller.discard(ids, options, now, hints)),
    complete: (items, options = {}) =>
      access.commit(({ controller }, now, hints) => controller.complete(items, options, now, hints)),
    audit: (note, count) => access.commit(({ audit }, now) => audit(note, count, now)),
    configureQueue: (queue, change, note) =>
      access.commit(({ settings, audit }, now, hints) => {
        const configured = settings.configure(queue, change)
        if (note !== undefined) audit(note, null, now)
        // There may be work for workers that found none before.
        if (!configured.paused) hints.add(queue, 0)
        return configured
      }),
    queueSettings: () => access.snapshot(({ allSettings }) => allSettings()),
  }
}

export function nodesOf(access: Access): StoreNodes {
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

export function sharedOf(access: Access): StoreShared {
  return {
    read: (keys) => access.snapshot(({ shared, now }) => shared.read(keys, now())),
    write: async (writes) => {
      assertSharedSizes(writes)
      return access.commit(({ shared }, now) => shared(writes, now))
    },
    keys: (prefix, limit, after) =>
      access.snapshot(({ shared, now }) => shared.keys(prefix, limit, after, now())),
  }
}
