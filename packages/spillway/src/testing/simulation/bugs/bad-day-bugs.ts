// Bugs in what happens on bad days: waiting for others, asking before doing again, counterparts, undoing, callbacks.

import type { ChunkDraft, CommandUpdate, Lease } from '../../../domain/index.js'
import type { SharedWrite, Store } from '../../../ports/index.js'
import type { PlantedBug } from './planted-bug.js'

const STEPS_PREFIX = 'spillway.steps/'
const LONG_MS = 86_400_000

/** Every update that a worker writes, however it writes it. */
function rewritten(store: Store, change: (update: CommandUpdate) => CommandUpdate): Store {
  const changed = <Item extends { readonly updates: readonly CommandUpdate[] }>(item: Item): Item => ({
    ...item,
    updates: item.updates.map(change),
  })
  return {
    ...store,
    settle: (items) => store.settle(items.map(changed)),
    extend: (items, leaseMs) => store.extend(items.map(changed), leaseMs),
  }
}

function claiming(store: Store, change: (lease: Lease) => Lease): Store {
  return { ...store, claim: async (request) => (await store.claim(request)).map(change) }
}

const blockersIgnored: PlantedBug = {
  name: 'blockers-ignored',
  what: 'a claim of an ordered partition does not say who holds up whom',
  plant: (store) =>
    claiming(store, (lease) => (lease.blockers === null ? lease : { ...lease, blockers: [] })),
}

const letGoEarly: PlantedBug = {
  name: 'let-go-early',
  what: 'blocked commands are let go although somebody still holds up their key',
  plant: (store) =>
    rewritten(
      claiming(store, (lease) =>
        lease.members === null ? lease : { ...lease, blockers: lease.blockers && [] },
      ),
      (update) => (update.state === 'blocked' ? { ...update, orderingKey: null } : update),
    ),
}

const keyForgotten: PlantedBug = {
  name: 'ordering-key-forgotten',
  what: 'the row of a command that is retried does not hold up its key',
  plant: (store) =>
    rewritten(store, (update) => (update.state === 'blocked' ? update : { ...update, orderingKey: null })),
}

const notAsked: PlantedBug = {
  name: 're-executed-unasked',
  what: 'commands in doubt are executed again instead of being asked about',
  plant: (store) =>
    claiming(store, (lease) => (lease.stage === 'reconcile' ? { ...lease, stage: 'execute' } : lease)),
}

const completedTwice: PlantedBug = {
  name: 'completed-twice',
  what: 'a token that was used up is accepted once more',
  plant(store) {
    const used = new Set<string>()
    return withComplete(store, (tokenHash, verdict) => {
      const again = verdict === 'not_found' && used.has(tokenHash)
      if (verdict === 'ok') used.add(tokenHash)
      return again ? 'ok' : verdict
    })
  },
}

type Verdict = Awaited<ReturnType<Store['control']['complete']>>[number]

function withComplete(store: Store, judge: (tokenHash: string, verdict: Verdict) => Verdict): Store {
  const waits = new Map<string, NonNullable<Awaited<ReturnType<Store['reader']['waiting']>>>>()
  return {
    ...store,
    reader: {
      ...store.reader,
      // Or the counterpart would be turned away before the store is asked.
      async waiting(tokenHash) {
        const found = (await store.reader.waiting(tokenHash)) ?? waits.get(tokenHash) ?? null
        if (found !== null) waits.set(tokenHash, found)
        return found
      },
    },
    control: {
      ...store.control,
      async complete(items, options) {
        const verdicts = await store.control.complete(items, options)
        return verdicts.map((verdict, at) => judge(items[at]?.tokenHash ?? '', verdict))
      },
    },
  }
}

const tokensNeverExpire: PlantedBug = {
  name: 'token-never-expires',
  what: 'a token is accepted after the time at which it expires',
  plant: (store) =>
    rewritten(store, (update) =>
      update.completion == null
        ? update
        : { ...update, completion: { ...update.completion, expiresInMs: LONG_MS } },
    ),
}

const staleAppends: PlantedBug = {
  name: 'stale-appends-kept',
  what: 'the callbacks of a settlement that came too late are stored all the same',
  plant: (store) => ({
    ...store,
    async settle(items) {
      const verdicts = await store.settle(items)
      for (const [at, { appends }] of items.entries())
        if (verdicts[at] === 'stale' && appends !== undefined) await store.append(appends)
      return verdicts
    },
  }),
}

const callbackFirst: PlantedBug = {
  name: 'callback-before-commit',
  what: 'callbacks are stored first, and what they tell of is settled a moment later',
  plant: (store, soil) => ({
    ...store,
    async settle(items) {
      for (const { appends } of items) if (appends !== undefined) await store.append(appends)
      if (soil.dice.chance(0.2)) throw new Error('the connection was lost between the two')
      return store.settle(items)
    },
  }),
}

const callbackLost: PlantedBug = {
  name: 'callback-lost',
  what: 'a settlement drops the callbacks it brings along',
  plant: (store) => ({
    ...store,
    settle: (items) => store.settle(items.map((item) => ({ ...item, appends: [] as ChunkDraft[] }))),
  }),
}

const stepsLost: PlantedBug = {
  name: 'step-record-lost',
  what: 'the record of a step is answered ok and not kept',
  plant: (store, soil) => {
    const isLost = ({ key, value }: SharedWrite): boolean =>
      key.startsWith(STEPS_PREFIX) && value !== null && soil.dice.chance(0.3)
    return {
      ...store,
      shared: {
        ...store.shared,
        async write(writes) {
          const kept = writes.filter((write) => !isLost(write))
          const verdicts = await store.shared.write(kept)
          return writes.map((write) =>
            kept.includes(write) ? (verdicts[kept.indexOf(write)] ?? 'ok') : 'ok',
          )
        },
      },
    }
  },
}

const memoDropped: PlantedBug = {
  name: 'memo-dropped',
  what: 'promotion drops the memo of the commands it moves',
  plant: (store) =>
    claiming(store, (lease) =>
      lease.members === null
        ? lease
        : { ...lease, members: lease.members.map((member) => ({ ...member, memo: null })) },
    ),
}

const undoingUncounted: PlantedBug = {
  name: 'compensation-uncounted',
  what: 'a try to undo a command that failed does not count',
  plant: (store) =>
    rewritten(store, (update) => {
      if (update.state !== 'compensating' || update.memo == null) return update
      return { ...update, memo: JSON.stringify({ ...JSON.parse(update.memo), compensations: 0 }) }
    }),
}

const undoneUnseen: PlantedBug = {
  name: 'compensated-undone',
  what: 'a command that is to be undone counts as compensated at once',
  plant: (store) =>
    rewritten(store, (update) =>
      update.state === 'compensating' ? { ...update, state: 'compensated', delayMs: 0 } : update,
    ),
}

const runningDiscarded: PlantedBug = {
  name: 'discard-unguarded',
  what: 'a command that is running can be discarded, and is answered as if it were',
  plant: (store) => ({
    ...store,
    control: {
      ...store.control,
      async discard(ids, options) {
        const verdicts = await store.control.discard(ids, options)
        const views = await store.reader.get(ids)
        return verdicts.map((verdict, at) => (views[at]?.state === 'running' ? 'ok' : verdict))
      },
    },
  }),
}

const editIgnored: PlantedBug = {
  name: 'edit-ignored',
  what: 'a redrive with another payload runs the old one',
  plant: (store) => ({
    ...store,
    control: { ...store.control, redrive: (ids) => store.control.redrive(ids) },
  }),
}

export const BAD_DAY_BUGS: readonly PlantedBug[] = [
  blockersIgnored,
  letGoEarly,
  keyForgotten,
  notAsked,
  completedTwice,
  tokensNeverExpire,
  staleAppends,
  callbackFirst,
  callbackLost,
  stepsLost,
  memoDropped,
  undoingUncounted,
  undoneUnseen,
  runningDiscarded,
  editIgnored,
]
