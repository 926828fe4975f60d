// Tells this process which chunks it has just settled, so that a caller who waits for an outcome here hears of it at once
// instead of at the next poll.

import type { LeaseRef, LeaseVerdict } from '../domain/index.js'
import type { Store } from '../ports/index.js'

export function observeSettles(store: Store, settled: (chunkIds: readonly string[]) => void): Store {
  const tell = (items: readonly LeaseRef[], verdicts: readonly LeaseVerdict[]): readonly LeaseVerdict[] => {
    settled(items.filter((_, index) => verdicts[index] === 'ok').map((item) => item.chunkId))
    return verdicts
  }
  return {
    name: store.name,
    // Some stores know what they can do only once they are open.
    get capabilities() {
      return store.capabilities
    },
    wake: store.wake,
    reader: store.reader,
    control: store.control,
    nodes: store.nodes,
    shared: store.shared,
    schema: store.schema,
    open: () => store.open(),
    close: () => store.close(),
    append: (drafts, options) => store.append(drafts, options),
    appendSettled: async (drafts, rows, options) => {
      const createdAt = await store.appendSettled(drafts, rows, options)
      if (createdAt !== null) settled(drafts.map(({ id }) => id))
      return createdAt
    },
    claim: (request) => store.claim(request),
    readyTenants: (queue, types, limit) => store.readyTenants(queue, types, limit),
    extend: async (items, leaseMs) => tell(items, await store.extend(items, leaseMs)),
    settle: async (items) => tell(items, await store.settle(items)),
    settleWithin: async (leases, work) => tell(leases, await store.settleWithin(leases, work)),
    promote: (request) => store.promote(request),
    prune: (request) => store.prune(request),
    probe: () => store.probe(),
  }
}
