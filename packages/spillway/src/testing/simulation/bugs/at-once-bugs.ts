// Bugs in storing chunks as settled: what was declined, what is in doubt, and that chunks and rows are one commit.

import type { BulkWrite, Store } from '../../../ports/index.js'
import type { PlantedBug } from './planted-bug.js'

const LOST_ROWS = 0.3

const declinedTakenForStored: PlantedBug = {
  name: 'declined-taken-for-stored',
  what: 'chunks that were declined are acknowledged as if they were stored',
  plant: (store, soil) => ({
    ...store,
    appendSettled: async (...call) => (await store.appendSettled(...call)) ?? soil.now(),
  }),
}

const fallbackUnderNewIds: PlantedBug = {
  name: 'fallback-under-new-ids',
  what: 'what may have been settled at once is appended under new chunk ids',
  plant(store) {
    const tried = new Set<string>()
    return {
      ...store,
      appendSettled(drafts, ...rest) {
        for (const { id } of drafts) tried.add(id)
        return store.appendSettled(drafts, ...rest)
      },
      append(drafts, options) {
        const renewed = drafts.map((draft) =>
          tried.has(draft.id) ? { ...draft, id: draft.id.replace(/.$/, 'f') } : draft,
        )
        return store.append(renewed, options)
      },
    }
  },
}

const rowsOfDeclined: PlantedBug = {
  name: 'rows-of-declined-chunks',
  what: 'rows are committed before it turns out that their chunks are declined',
  plant: (store) => ({
    ...store,
    async appendSettled(drafts, rows, options) {
      await writeRows(store, rows)
      return store.appendSettled(drafts, rows, options)
    },
  }),
}

const chunksWithoutRows: PlantedBug = {
  name: 'settled-without-rows',
  what: 'chunks are stored as settled, and some of their rows are lost',
  plant: (store, soil) => ({
    ...store,
    appendSettled(drafts, rows, options) {
      const kept = rows.rows.filter((_, at) => at === 0 || !soil.dice.chance(LOST_ROWS))
      return store.appendSettled(drafts, { ...rows, rows: kept }, options)
    },
  }),
}

const settledLeftReady: PlantedBug = {
  name: 'settled-left-ready',
  what: 'chunks that are answered as settled are left to be claimed',
  plant: (store) => ({
    ...store,
    async appendSettled(drafts, rows, options) {
      if (drafts.some(({ keys }) => keys !== null)) return store.appendSettled(drafts, rows, options)
      const [result] = await store.append(drafts)
      await writeRows(store, rows)
      return result?.createdAt ?? null
    },
  }),
}

const keysNotTaken: PlantedBug = {
  name: 'settled-without-keys',
  what: 'chunks are stored as settled without a look at their idempotency keys',
  plant: (store) => ({
    ...store,
    appendSettled: (drafts, rows, options) =>
      store.appendSettled(
        drafts.map((draft) => ({ ...draft, keys: null })),
        rows,
        options,
      ),
  }),
}

const settledWhilePaused: PlantedBug = {
  name: 'settled-while-paused',
  what: 'chunks are stored as settled though their queue is paused',
  plant: (store) => ({
    ...store,
    async appendSettled(drafts, rows, options) {
      const held = [...(await store.control.queueSettings())].filter(([, { paused }]) => paused)
      for (const [queue] of held) await store.control.configureQueue(queue, { paused: false })
      const createdAt = await store.appendSettled(drafts, rows, options)
      for (const [queue] of held) await store.control.configureQueue(queue, { paused: true })
      return createdAt
    },
  }),
}

async function writeRows(store: Store, rows: BulkWrite): Promise<void> {
  await store.settleWithin([], (scope) => {
    const written = scope.write(rows)
    return written instanceof Promise ? written.then(() => []) : []
  })
}

export const AT_ONCE_BUGS: readonly PlantedBug[] = [
  declinedTakenForStored,
  fallbackUnderNewIds,
  rowsOfDeclined,
  chunksWithoutRows,
  settledLeftReady,
  keysNotTaken,
  settledWhilePaused,
]
