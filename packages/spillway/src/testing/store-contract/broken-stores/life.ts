// Broken at what every command goes through: append, claim, settle, promote, prune.

import type { Lease, LeaseRef } from '../../../domain/index.js'
import type { BrokenStore } from './broken-store.js'

const quiet = { updates: [], finished: [] }

export const BROKEN_LIFE: readonly BrokenStore[] = [
  [
    'settles for whoever once had the lease',
    'settle',
    true,
    (store) => {
      const current = new Map<string, number>()
      const refresh = <Ref extends LeaseRef>(ref: Ref): Ref => ({
        ...ref,
        token: current.get(ref.chunkId) ?? ref.token,
      })
      return {
        async claim(request) {
          const leases = await store.claim(request)
          for (const { chunkId, token } of leases) current.set(chunkId, token)
          return leases
        },
        settle: (items) => store.settle(items.map(refresh)),
      }
    },
  ],
  [
    'does not look at keys',
    'idempotency',
    true,
    (store) => ({
      append: (drafts, options) =>
        store.append(
          drafts.map((draft) => ({ ...draft, keys: null })),
          options,
        ),
    }),
  ],
  [
    'acknowledges what it does not store',
    'append',
    true,
    () => ({ append: async (drafts) => drafts.map(() => ({ createdAt: 0, verdicts: null })) }),
  ],
  [
    'does not look at `atomic`',
    'idempotency',
    true,
    (store) => ({ append: (drafts) => store.append(drafts) }),
  ],
  [
    'claims something instead of leasing what it stores',
    'append that leases',
    true,
    (store) => ({
      async append(drafts, { lease, ...options } = {}) {
        if (lease === undefined) return store.append(drafts, options)
        const results = await store.append(drafts, { remember: true })
        const limits = { chunksMax: 1, commandsMax: 1, ...lease }
        const leases: (Lease | null)[] = []
        for (const { queue, type } of drafts)
          leases.push((await store.claim({ queue, types: [type], ...limits }))[0] ?? null)
        return results.map((result, at) => ({ ...result, lease: leases[at] ?? null }))
      },
    }),
  ],
  [
    'leases nothing that it stores',
    'append that leases',
    true,
    (store) => ({
      async append(drafts, { lease, ...options } = {}) {
        if (lease === undefined) return store.append(drafts, options)
        return (await store.append(drafts, { remember: true })).map((result) => ({ ...result, lease: null }))
      },
    }),
  ],
  [
    'forgets chunks of nothing but repeats',
    'repeats',
    true,
    (store) => ({ append: (drafts, { remember: _, ...options } = {}) => store.append(drafts, options) }),
  ],
  [
    'gives finished commands to the next worker',
    'lease',
    true,
    (store) => ({
      claim: async (request) => (await store.claim(request)).map((lease): Lease => ({ ...lease, skip: [] })),
    }),
  ],
  [
    'counts a release as a crash',
    'lease',
    true,
    (store) => ({
      extend: (items, leaseMs) => {
        const released = items.map((item) => ({ ...item, release: false }))
        return store.extend(released, items.some(({ release }) => release) ? 0 : leaseMs)
      },
    }),
  ],
  [
    'forgets what a heartbeat reported',
    'lease',
    true,
    (store) => ({
      extend: (items, leaseMs) =>
        store.extend(
          items.map((item) => ({ ...item, ...quiet })),
          leaseMs,
        ),
    }),
  ],
  [
    'forgets the exceptions of a settlement',
    'settle',
    true,
    (store) => ({ settle: (items) => store.settle(items.map((item) => ({ ...item, updates: [] }))) }),
  ],
  [
    'does not pause',
    'claim',
    true,
    (store) => ({
      control: {
        ...store.control,
        configureQueue: (queue, change) => store.control.configureQueue(queue, { ...change, paused: false }),
      },
    }),
  ],
  [
    'always says that a cancel worked',
    'control',
    true,
    (store) => ({ control: { ...store.control, cancel: async (ids) => ids.map(() => 'ok' as const) } }),
  ],
  [
    'promotes one at most',
    'promote',
    true,
    (store) => ({ promote: (request) => store.promote({ ...request, limit: 1 }) }),
  ],
  [
    'prunes whatever ended',
    'prune',
    true,
    (store) => ({ prune: (request) => store.prune({ ...request, retentionMs: 0, failedRetentionMs: 0 }) }),
  ],
  [
    'counts one command too many',
    'reader',
    true,
    (store) => ({
      reader: {
        ...store.reader,
        async accounting() {
          const accounting = await store.reader.accounting()
          return { ...accounting, accepted: accounting.accepted + 1 }
        },
      },
    }),
  ],
  [
    'lists oldest first',
    'listing',
    false,
    (store) => ({
      reader: {
        ...store.reader,
        async list(request) {
          const { items, next } = await store.reader.list(request)
          return { items: [...items].reverse(), next }
        },
      },
    }),
  ],
  [
    'commits what a handler did before it threw',
    'undo',
    true,
    (store) => ({
      async settleWithin(leases, work) {
        let thrown: { error: unknown } | null = null
        const verdicts = await store.settleWithin(leases, (scope, valid) => {
          try {
            return work(scope, valid)
          } catch (error) {
            thrown = { error }
            return []
          }
        })
        if (thrown !== null) throw (thrown as { error: unknown }).error
        return verdicts
      },
    }),
  ],
]
