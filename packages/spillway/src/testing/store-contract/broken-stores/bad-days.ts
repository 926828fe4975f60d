// Broken at what happens when a command does not succeed: stages, ordering keys, tokens, dead letters, what follows.

import type { CommandUpdate, LeaseProgress, Settlement } from '../../../domain/index.js'
import type { AnyStore } from '../harness.js'
import type { BrokenStore } from './broken-store.js'

/** The store with every update changed before it is written. */
function rewriting(store: AnyStore, change: (update: CommandUpdate) => CommandUpdate): Partial<AnyStore> {
  const rewrite = <Item extends Settlement | LeaseProgress>(item: Item): Item => {
    return { ...item, updates: item.updates.map(change) }
  }
  return {
    settle: (items) => store.settle(items.map(rewrite)),
    extend: (items, leaseMs) => store.extend(items.map(rewrite), leaseMs),
  }
}

function controlling(store: AnyStore, control: Partial<AnyStore['control']>): Partial<AnyStore> {
  return { control: { ...store.control, ...control } }
}

export const BROKEN_BAD_DAYS: readonly BrokenStore[] = [
  [
    'executes whatever it promotes',
    'stages',
    true,
    (store) => ({
      claim: async (request) => {
        const leases = await store.claim(request)
        return leases.map((lease) => ({ ...lease, stage: 'execute' }))
      },
    }),
  ],
  [
    'forgets a memo that is not written again',
    'stages',
    true,
    (store) => rewriting(store, (update) => ({ memo: null, ...update })),
  ],
  [
    'counts a turn that was put off among the attempts',
    'attempts',
    false,
    (store) => rewriting(store, ({ deferred: _, ...update }) => update),
  ],
  [
    'lets go of blocked commands too early',
    'blocked',
    true,
    (store) =>
      rewriting(store, (update) => (update.state === 'blocked' ? update : { ...update, orderingKey: null })),
  ],
  [
    'never lets go of blocked commands',
    'blocked',
    true,
    (store) => {
      const promote: AnyStore['promote'] = async (request) => {
        const blocked = await store.reader.list({ state: 'blocked', limit: 1 })
        return blocked.items.length > 0 ? 0 : store.promote(request)
      }
      return { promote }
    },
  ],
  [
    'tells nobody what is held up',
    'blockers',
    true,
    (store) => ({
      claim: async (request) => {
        const leases = await store.claim(request)
        return leases.map((lease) => ({ ...lease, blockers: lease.blockers && [] }))
      },
    }),
  ],
  [
    'takes a token that has expired',
    'completion',
    true,
    (store) =>
      rewriting(store, ({ completion = null, ...update }) => {
        if (completion === null) return update
        return { ...update, completion: { ...completion, expiresInMs: 1e12 } }
      }),
  ],
  [
    'takes a token twice',
    'completion',
    false,
    (store) => {
      const used = new Set<string>()
      return controlling(store, {
        async complete(items, options) {
          const verdicts = await store.control.complete(items, options)
          return verdicts.map((verdict, at) => {
            const { tokenHash } = items[at] as (typeof items)[0]
            const again = used.has(tokenHash)
            if (verdict === 'ok') used.add(tokenHash)
            return verdict === 'not_found' && again ? 'ok' : verdict
          })
        },
      })
    },
  ],
  [
    'completes what a worker has at this moment',
    'completion',
    true,
    (store) =>
      controlling(store, {
        async complete(items, options) {
          const verdicts = await store.control.complete(items, options)
          return verdicts.map((verdict) => (verdict === 'busy' ? 'ok' : verdict))
        },
      }),
  ],
  [
    'discards a command that is to be retried',
    'discard and edit',
    true,
    (store) =>
      controlling(store, {
        async discard(ids, options) {
          const views = await store.reader.get(ids)
          const verdicts = await store.control.discard(ids, options)
          const waiting = ids.filter((_, at) => views[at]?.state === 'retrying')
          await store.control.cancel(waiting)
          return verdicts.map((verdict, at) => (waiting.includes(ids[at] as string) ? 'ok' : verdict))
        },
      }),
  ],
  [
    'executes again what died being undone',
    'discard and edit',
    true,
    (store) =>
      rewriting(store, (update) => (update.state === 'dead' ? { ...update, stage: 'execute' } : update)),
  ],
  [
    'redrives with the payload that was refused',
    'discard and edit',
    true,
    (store) =>
      controlling(store, {
        redrive: (ids, { payloads: _, ...options } = {}) => store.control.redrive(ids, options),
      }),
  ],
  [
    'stores what follows from outcomes that it does not take',
    'appends in a settlement',
    true,
    (store) => ({
      async settle(items) {
        const verdicts = await store.settle(items)
        const stale = items.filter((_, at) => verdicts[at] === 'stale')
        const drafts = stale.flatMap(({ appends = [] }) => appends)
        await store.append(drafts.map((draft) => ({ ...draft, keys: null })))
        return verdicts
      },
    }),
  ],
  [
    'forgets what follows from outcomes',
    'appends in a settlement',
    true,
    (store) => ({ settle: (items) => store.settle(items.map(({ appends: _, ...item }) => item)) }),
  ],
  [
    'looks at the keys of what follows',
    'appends in a settlement',
    true,
    (store) => ({
      async settle(items) {
        const verdicts = await store.settle(items.map(({ appends: _, ...item }) => item))
        const taken = items.filter((_, at) => verdicts[at] === 'ok')
        await store.append(taken.flatMap(({ appends = [] }) => appends))
        return verdicts
      },
    }),
  ],
  [
    'notes a verb that changed nothing',
    'audit',
    true,
    (store) =>
      controlling(store, {
        async discard(ids, options = {}) {
          const verdicts = await store.control.discard(ids, options)
          const inVain = ids.length > 0 && !verdicts.includes('ok')
          if (inVain && options.audit !== undefined) await store.control.audit(options.audit, 0)
          return verdicts
        },
      }),
  ],
  [
    'groups what failed alike whatever its type is',
    'error groups',
    false,
    (store) => ({
      reader: {
        ...store.reader,
        errorGroups: ({ type: _, ...request }) => store.reader.errorGroups(request),
      },
    }),
  ],
]
