// Bugs in what happens to commands outside a lease: promotion, retries, cancels and pruning.

import type { Lease } from '../../../domain/index.js'
import { isTerminal, parseCommandId } from '../../../domain/index.js'
import { disguised, type PlantedBug } from './planted-bug.js'

const EARLY_MS = 10_000
const GHOST_HEX = 'e'

const promotedTwice: PlantedBug = {
  name: 'promote-unguarded',
  what: 'two maintainers promote the same rows into two chunks',
  plant(store) {
    const ghosts: Lease[] = []
    const ghostly = new Set<string>()
    const haunt = (lease: Lease): Lease => ({ ...lease, chunkId: lease.chunkId.slice(0, -1) + GHOST_HEX })
    return {
      ...store,
      async claim(request) {
        const leases = await store.claim(request)
        const now = ghosts.filter(({ queue }) => queue === request.queue)
        for (const ghost of now) ghosts.splice(ghosts.indexOf(ghost), 1)
        for (const lease of leases) {
          if (lease.members === null || ghostly.has(haunt(lease).chunkId)) continue
          ghosts.push(haunt(lease))
          ghostly.add(haunt(lease).chunkId)
        }
        return [...leases, ...now]
      },
      extend: async (items, leaseMs) => {
        const verdicts = await store.extend(items, leaseMs)
        return verdicts.map((verdict, at) => (ghostly.has(items[at]?.chunkId ?? '') ? 'ok' : verdict))
      },
    }
  },
}

const promotedEarly: PlantedBug = {
  name: 'promote-early',
  what: 'parked commands are promoted before they are due',
  plant: (store, soil) => ({
    ...store,
    promote: (request) => soil.ahead(EARLY_MS, () => store.promote(request)),
  }),
}

const retriedAtOnce: PlantedBug = {
  name: 'retry-at-once',
  what: 'the delay of a retry is dropped',
  plant: (store) => ({
    ...store,
    settle: (items) =>
      store.settle(
        items.map((item) => ({
          ...item,
          updates: item.updates.map((update) => ({ ...update, delayMs: 0 })),
        })),
      ),
  }),
}

const retriesStarve: PlantedBug = {
  name: 'retries-starve',
  what: 'promotion forgets a row in five',
  plant: (store, soil) => ({
    ...store,
    settle: (items) =>
      store.settle(
        items.map((item) => ({
          ...item,
          updates: item.updates.map((update) =>
            update.state === 'retrying' && soil.dice.chance(0.2) ? { ...update, delayMs: 1e9 } : update,
          ),
        })),
      ),
  }),
}

const runningCancelled: PlantedBug = {
  name: 'cancel-unguarded',
  what: 'a command that is running can be cancelled',
  plant(store) {
    const cancelled = new Set<string>()
    return {
      ...store,
      reader: disguised(store, (view) => (cancelled.has(view.id) ? { ...view, state: 'cancelled' } : view)),
      control: {
        ...store.control,
        async cancel(ids) {
          const verdicts = await store.control.cancel(ids)
          const views = await store.reader.get(ids)
          return verdicts.map((verdict, at) => {
            if (verdict !== 'conflict' || views[at]?.state !== 'running') return verdict
            cancelled.add(ids[at] as string)
            return 'ok'
          })
        },
      },
    }
  },
}

const cancelForgotten: PlantedBug = {
  name: 'cancel-forgotten',
  what: 'a cancel is answered ok, but the chunk runs the command all the same',
  plant: (store, soil) => ({
    ...store,
    control: {
      ...store.control,
      cancel: async (ids) =>
        soil.dice.chance(0.5) ? store.control.cancel(ids) : ids.map(() => 'ok' as const),
    },
  }),
}

const endedRedriven: PlantedBug = {
  name: 'redrive-lost',
  what: 'a redrive is answered ok and does nothing',
  plant: (store) => ({
    ...store,
    control: {
      ...store.control,
      async redrive(ids) {
        const views = await store.reader.get(ids)
        return views.map((view) => {
          if (view === null) return 'not_found'
          return isTerminal(view.state) && view.state !== 'succeeded' ? 'ok' : 'conflict'
        })
      },
    },
  }),
}

const prunedEarly: PlantedBug = {
  name: 'prune-early',
  what: 'finished commands are removed before their retention is over',
  plant: (store) => ({
    ...store,
    prune: (request) => store.prune({ ...request, retentionMs: 0, failedRetentionMs: 0 }),
  }),
}

const livePruned: PlantedBug = {
  name: 'prune-removes-live',
  what: 'pruning removes a chunk of which a command is still waiting',
  plant(store, soil) {
    const gone = new Set<string>()
    const chunkOf = (id: string): string => parseCommandId(id)?.chunkId ?? id
    return {
      ...store,
      reader: disguised(store, (view) => (gone.has(chunkOf(view.id)) ? null : view)),
      claim: async (request) => (await store.claim(request)).filter(({ chunkId }) => !gone.has(chunkId)),
      async prune(request) {
        const { items } = await store.reader.list({ limit: request.limit })
        const waiting = items.filter(({ state }) => state === 'retrying' || state === 'accepted')
        const report = await store.prune(request)
        if (waiting.length === 0 || !soil.dice.chance(0.3)) return report
        gone.add(chunkOf(soil.dice.pick(waiting).id))
        return { ...report, chunks: report.chunks + 1 }
      },
    }
  },
}

export const PARKED_BUGS: readonly PlantedBug[] = [
  promotedTwice,
  promotedEarly,
  retriedAtOnce,
  retriesStarve,
  runningCancelled,
  cancelForgotten,
  endedRedriven,
  prunedEarly,
  livePruned,
]
