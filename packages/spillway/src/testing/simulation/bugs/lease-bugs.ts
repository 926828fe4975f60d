// Bugs in leasing and settling: who may work on a chunk, and whose word about it counts.

import type { LeaseRef, LeaseVerdict } from '../../../domain/index.js'
import type { ClaimRequest, Store } from '../../../ports/index.js'
import type { PlantedBug } from './planted-bug.js'

/** The last token of every chunk that was claimed. */
function trackTokens(store: Store): { readonly store: Store; current<Ref extends LeaseRef>(ref: Ref): Ref } {
  const tokens = new Map<string, number>()
  return {
    current: (ref) => ({ ...ref, token: tokens.get(ref.chunkId) ?? ref.token }),
    store: {
      ...store,
      async claim(request) {
        const leases = await store.claim(request)
        for (const { chunkId, token } of leases) tokens.set(chunkId, token)
        return leases
      },
    },
  }
}

type CurrentOf = ReturnType<typeof trackTokens>['current']

function withCurrentTokens(store: Store, current: CurrentOf): Store['settleWithin'] {
  return (leases, work) =>
    store.settleWithin(leases.map(current), (scope, valid) => {
      const settlements = work(scope, valid)
      return Array.isArray(settlements) ? settlements.map(current) : settlements
    })
}

const settleUnfenced: PlantedBug = {
  name: 'settle-unfenced',
  what: 'settle does not compare the token',
  plant(store) {
    const { store: tracked, current } = trackTokens(store)
    const settle: Store['settle'] = (items) => store.settle(items.map(current))
    return { ...tracked, settle, settleWithin: withCurrentTokens(store, current) }
  },
}

const extendRevives: PlantedBug = {
  name: 'extend-revives',
  what: 'a heartbeat with an old token prolongs the lease of whoever has the chunk now',
  plant(store) {
    const { store: tracked, current } = trackTokens(store)
    return { ...tracked, extend: (items, leaseMs) => store.extend(items.map(current), leaseMs) }
  },
}

const tokenNotRaised: PlantedBug = {
  name: 'token-not-raised',
  what: 'a reclaimed chunk keeps the token of the lease that expired',
  plant(store) {
    const { store: tracked, current } = trackTokens(store)
    return {
      ...tracked,
      claim: async (request) => (await tracked.claim(request)).map((lease) => ({ ...lease, token: 1 })),
      extend: (items, leaseMs) => store.extend(items.map(current), leaseMs),
      settle: (items) => store.settle(items.map(current)),
      settleWithin: withCurrentTokens(store, current),
    }
  },
}

const expiryIgnored: PlantedBug = {
  name: 'claim-ignores-expiry',
  what: 'a claim takes chunks whose lease has not expired yet',
  plant: (store, soil) => ({
    ...store,
    claim: (request: ClaimRequest) => soil.ahead(request.leaseMs / 2, () => store.claim(request)),
  }),
}

const neverReclaimed: PlantedBug = {
  name: 'never-reclaimed',
  what: 'a chunk whose lease expired is never claimed again',
  plant(store) {
    const buried = new Set<string>()
    return {
      ...store,
      async claim(request) {
        const leases = await store.claim(request)
        for (const { chunkId, expiries } of leases) if (expiries > 0) buried.add(chunkId)
        return leases.filter(({ chunkId }) => !buried.has(chunkId))
      },
    }
  },
}

const crashNotCounted: PlantedBug = {
  name: 'crash-not-counted',
  what: 'an expired lease does not count as an attempt',
  plant: (store) => ({
    ...store,
    claim: async (request) =>
      (await store.claim(request)).map((lease) => ({ ...lease, expiries: 0, cursor: null })),
  }),
}

const releaseCounted: PlantedBug = {
  name: 'release-counted',
  what: 'a chunk that was given back counts as crashed',
  plant(store) {
    const released = new Map<string, number>()
    return {
      ...store,
      extend(items, leaseMs) {
        for (const { chunkId, release } of items) {
          if (release === true) released.set(chunkId, (released.get(chunkId) ?? 0) + 1)
        }
        return store.extend(items, leaseMs)
      },
      claim: async (request) =>
        (await store.claim(request)).map((lease) => ({
          ...lease,
          expiries: lease.expiries + (released.get(lease.chunkId) ?? 0),
        })),
    }
  },
}

const staleAnsweredOk: PlantedBug = {
  name: 'stale-answered-ok',
  what: 'a settle that came too late is reported as written',
  plant: (store) => ({
    ...store,
    settle: async (items) => (await store.settle(items)).map((): LeaseVerdict => 'ok'),
  }),
}

const progressForgotten: PlantedBug = {
  name: 'progress-forgotten',
  what: 'a heartbeat prolongs the lease but drops what it says was finished',
  plant: (store) => ({
    ...store,
    extend: (items, leaseMs) =>
      store.extend(
        items.map((item) => ({ ...item, updates: [], finished: [] })),
        leaseMs,
      ),
  }),
}

const parkedForgotten: PlantedBug = {
  name: 'parked-forgotten',
  what: 'settle completes the chunk without the rows of what did not succeed',
  plant: (store) => ({
    ...store,
    settle: (items) =>
      store.settle(items.map((item) => ({ ...item, updates: item.complete ? [] : item.updates }))),
  }),
}

const resultsLost: PlantedBug = {
  name: 'results-lost',
  what: 'settle keeps that a command succeeded, but not with what value',
  plant: (store) => ({
    ...store,
    settle: (items) =>
      store.settle(
        items.map((item) => ({
          ...item,
          updates: item.updates.map(({ result: _, ...update }) => update),
        })),
      ),
  }),
}

const effectsOutside: PlantedBug = {
  name: 'effects-outside',
  what: 'effects and settlement are two commits, and sometimes the second one fails',
  plant: (store, soil) => ({
    ...store,
    async settleWithin(leases, work) {
      let settlements: Parameters<Store['settle']>[0] = []
      await store.settleWithin([], (scope) => {
        const returned = work(
          scope,
          leases.map(() => true),
        )
        if (Array.isArray(returned)) settlements = returned
        return []
      })
      if (soil.dice.chance(0.1)) throw new Error('the connection was lost between the commits')
      const verdicts = await store.settle(settlements)
      return leases.map(
        (lease) => verdicts[settlements.findIndex((item) => item.chunkId === lease.chunkId)] ?? 'ok',
      )
    },
  }),
}

const partitionIgnored: PlantedBug = {
  name: 'partition-ignored',
  what: 'several chunks of one ordered partition are leased at once',
  plant: (store) => ({
    ...store,
    append: (drafts, options) =>
      store.append(
        drafts.map((draft) => ({ ...draft, partition: null })),
        options,
      ),
  }),
}

const pauseIgnored: PlantedBug = {
  name: 'pause-ignored',
  what: 'a paused queue is claimed from',
  plant: (store) => ({
    ...store,
    control: {
      ...store.control,
      configureQueue: (queue, change) => store.control.configureQueue(queue, { ...change, paused: false }),
    },
  }),
}

export const LEASE_BUGS: readonly PlantedBug[] = [
  settleUnfenced,
  extendRevives,
  tokenNotRaised,
  expiryIgnored,
  neverReclaimed,
  crashNotCounted,
  releaseCounted,
  staleAnsweredOk,
  progressForgotten,
  parkedForgotten,
  resultsLost,
  effectsOutside,
  partitionIgnored,
  pauseIgnored,
]
