// Who checks the checker: the contract run by a runner of its own, on the memory store and on stores broken on purpose.

import { describe, expect, it } from 'vitest'
import type { Lease, LeaseRef, QueueSettings } from '../../domain/index.js'
import { memory, rowsOf } from '../../stores/memory/index.js'
import { VirtualClock } from '../virtual-clock.js'
import { type AnyStore, type StoreHarness, storeContract, type TestContext } from './index.js'

interface Report {
  readonly passed: string[]
  readonly failed: string[]
  readonly skipped: string[]
}

/** A store like the given one, but wrong somewhere. */
type Break = (store: AnyStore) => Partial<AnyStore>

function harnessOf(breakIt: Break = () => ({})): StoreHarness {
  return {
    name: 'a store',
    async make() {
      const clock = new VirtualClock()
      const store = memory({ clock })
      return {
        store: { ...store, ...breakIt(store) },
        now: () => clock.now(),
        advance: (ms) => clock.advance(ms),
        createTable: () => {},
        readTable: async (table) => rowsOf(store, table),
        dispose: () => store.close(),
      }
    },
  }
}

/** Runs one theme of the contract, as any test runner would. */
async function run(harness: StoreHarness, theme: string): Promise<Report> {
  const tests: { name: string; body: (context: TestContext) => Promise<void> }[] = []
  let path: string[] = []
  storeContract(harness, {
    describe(name, body) {
      path.push(name)
      body()
      path = path.slice(0, -1)
    },
    it(name, body) {
      if (path.includes(theme)) tests.push({ name, body })
    },
    expect,
  })
  const report: Report = { passed: [], failed: [], skipped: [] }
  for (const { name, body } of tests) {
    let skipped = false
    try {
      await body({ skip: () => (skipped = true) })
      report[skipped ? 'skipped' : 'passed'].push(name)
    } catch {
      report.failed.push(name)
    }
  }
  return report
}

const quiet = { updates: [], finished: [] }

const BUGS: readonly [bug: string, theme: string, alsoModel: boolean, breakIt: Break][] = [
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
]

describe('the store contract', () => {
  it('passes the memory store in a runner that knows nothing but describe, it and expect', async () => {
    const { passed, failed, skipped } = await run(harnessOf(), 'claim')
    expect(failed).toEqual([])
    expect(skipped).toEqual(['gives a chunk to one worker only when workers of two processes ask'])
    expect(passed.length).toBeGreaterThan(15)
  })

  it('checks the model with sequences of its own when it was given none', async () => {
    expect(await run(harnessOf(), 'model')).toMatchObject({
      failed: [],
      skipped: [],
      passed: [expect.anything()],
    })
  })

  for (const [bug, theme, alsoModel, breakIt] of BUGS) {
    it(`finds a store that ${bug}`, async () => {
      expect((await run(harnessOf(breakIt), theme)).failed).not.toEqual([])
    })

    if (!alsoModel) continue
    it(`finds a store that ${bug} by random sequences alone`, async () => {
      expect((await run(harnessOf(breakIt), 'model')).failed).toHaveLength(1)
    })
  }
})
