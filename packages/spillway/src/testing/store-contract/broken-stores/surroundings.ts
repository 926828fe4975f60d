// Broken at what is around commands: the settings of queues, nodes and their roles, hints, shared values.

import type { QueueSettings } from '../../../domain/index.js'
import type { AnyStore } from '../harness.js'
import type { BrokenStore } from './broken-store.js'

export const BROKEN_SURROUNDINGS: readonly BrokenStore[] = [
  [
    'does not look at the limit of a queue',
    'queue settings',
    true,
    (store) => {
      const answers = new Map<string, QueueSettings>()
      const unlimited = (change: Partial<QueueSettings>) => {
        const { leasesMax: _, ...rest } = change
        return rest
      }
      return {
        control: {
          ...store.control,
          async configureQueue(queue, change) {
            const real = await store.control.configureQueue(queue, unlimited(change))
            const leasesMax = change.leasesMax ?? answers.get(queue)?.leasesMax ?? null
            const said = { ...real, leasesMax: change.leasesMax === null ? null : leasesMax }
            answers.set(queue, said)
            return said
          },
          queueSettings: async () => answers,
        },
      }
    },
  ],
  [
    'limits each claim instead of all together',
    'queue settings',
    true,
    (store) => {
      const limits = new Map<string, number | null>()
      return {
        async claim(request) {
          const leasesMax = limits.get(request.queue) ?? null
          if (leasesMax === null) return store.claim(request)
          await store.control.configureQueue(request.queue, { leasesMax: null })
          const leases = await store.claim({ ...request, chunksMax: Math.min(request.chunksMax, leasesMax) })
          await store.control.configureQueue(request.queue, { leasesMax })
          return leases
        },
        control: {
          ...store.control,
          async configureQueue(queue, change) {
            const settings = await store.control.configureQueue(queue, change)
            limits.set(queue, settings.leasesMax)
            return settings
          },
        },
      }
    },
  ],
  [
    'keeps the reason of a queue that goes on',
    'queue settings',
    true,
    (store) => {
      const reasons = new Map<string, string | null>()
      return {
        control: {
          ...store.control,
          async configureQueue(queue, change) {
            const settings = await store.control.configureQueue(queue, change)
            reasons.set(queue, settings.pauseReason ?? reasons.get(queue) ?? null)
            return { ...settings, pauseReason: reasons.get(queue) ?? null }
          },
        },
      }
    },
  ],
  [
    'takes silent nodes for alive',
    'nodes',
    false,
    (store) => ({
      nodes: {
        ...store.nodes,
        list: async () => (await store.nodes.list()).map((node) => ({ ...node, alive: true })),
      },
    }),
  ],
  [
    'never forgets a node',
    'nodes',
    false,
    (store) => {
      const seen = new Map<string, Awaited<ReturnType<AnyStore['nodes']['list']>>[number]>()
      const list = async () => {
        for (const node of await store.nodes.list()) seen.set(node.id, node)
        return [...seen.values()]
      }
      return { nodes: { ...store.nodes, list, leave: async () => {} } }
    },
  ],
  [
    'gives a role to whoever asks',
    'roles',
    false,
    (store) => ({
      nodes: {
        ...store.nodes,
        acquire: async (role, nodeId, leaseMs) => {
          for (const lease of await store.nodes.roles()) await store.nodes.release(lease)
          return store.nodes.acquire(role, nodeId, leaseMs)
        },
      },
    }),
  ],
  [
    'keeps the token of a role from holder to holder',
    'roles',
    false,
    (store) => ({
      nodes: {
        ...store.nodes,
        async acquire(role, nodeId, leaseMs) {
          const lease = await store.nodes.acquire(role, nodeId, leaseMs)
          return lease === null ? null : { ...lease, token: 1 }
        },
      },
    }),
  ],
  [
    'releases a role for whoever once had it',
    'roles',
    false,
    (store) => ({
      nodes: {
        ...store.nodes,
        async release({ role }) {
          const [held] = (await store.nodes.roles()).filter((lease) => lease.role === role)
          return held === undefined ? 'stale' : store.nodes.release(held)
        },
      },
    }),
  ],
  [
    'lets a node leave with its roles',
    'roles',
    false,
    (store) => ({ nodes: { ...store.nodes, leave: async () => {} } }),
  ],
  ['never wakes anybody', 'wake', false, () => ({ wake: { subscribe: () => () => {} } })],
  [
    'counts the versions of a key anew once it was removed',
    'shared values',
    false,
    (store) => {
      const versions = new Map<string, number>()
      const { shared } = store
      const realVersion = async (key: string) => (await shared.read([key])).values[0]?.version ?? 0
      return {
        shared: {
          ...shared,
          async read(keys) {
            const { values, now } = await shared.read(keys)
            const said = values.map((value, at) => {
              return value === null ? null : { ...value, version: versions.get(keys[at] as string) ?? 1 }
            })
            return { values: said, now }
          },
          async write(writes) {
            const verdicts: ('ok' | 'stale')[] = []
            for (const write of writes) {
              const version = await realVersion(write.key)
              const known = version === 0 ? 0 : (versions.get(write.key) ?? 1)
              const [verdict = 'stale'] =
                known === write.version ? await shared.write([{ ...write, version }]) : []
              if (verdict === 'ok' && write.value === null) versions.delete(write.key)
              else if (verdict === 'ok') versions.set(write.key, known + 1)
              verdicts.push(verdict)
            }
            return verdicts
          },
        },
      }
    },
  ],
  [
    'lets the last writer of a shared value win',
    'shared values',
    false,
    (store) => ({
      shared: {
        ...store.shared,
        async write(writes) {
          const { values } = await store.shared.read(writes.map(({ key }) => key))
          return store.shared.write(
            writes.map((write, at) => ({ ...write, version: values[at]?.version ?? 0 })),
          )
        },
      },
    }),
  ],
  [
    'claims for any tenant',
    'tenants',
    true,
    (store) => ({
      claim: ({ tenant: _, ...request }) => store.claim(request),
    }),
  ],
  [
    'tells of tenants in the order of their names',
    'tenants',
    false,
    (store) => ({
      readyTenants: async (queue, types, limit) => {
        const tenants = [...(await store.readyTenants(queue, types, limit))]
        return tenants.sort((a, b) => (a.tenant < b.tenant ? -1 : 1))
      },
    }),
  ],
  [
    'gives the urgent first to who asks for the oldest',
    'oldest first',
    true,
    (store) => ({
      claim: ({ oldestFirst: _, ...request }) => store.claim(request),
    }),
  ],
]
