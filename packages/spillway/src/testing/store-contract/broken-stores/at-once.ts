// Broken at storing chunks as settled together with their rows.

import type { ChunkDraft } from '../../../domain/index.js'
import type { BulkWrite, QueueSettings } from '../../../ports/index.js'
import type { AnyStore } from '../harness.js'
import { type Scope, steps } from '../steps.js'
import type { BrokenStore } from './broken-store.js'

type AppendSettled = AnyStore['appendSettled']

function writeRows(store: AnyStore, rows: BulkWrite): Promise<unknown> {
  return store.settleWithin([], (scope: Scope) =>
    steps(function* () {
      yield scope.write(rows)
      return []
    }),
  )
}

/** With every draft changed before it is stored. */
function redrafting(store: AnyStore, change: (draft: ChunkDraft) => ChunkDraft): Partial<AnyStore> {
  return {
    appendSettled: (drafts, rows, options) => store.appendSettled(drafts.map(change), rows, options),
  }
}

/** As if queues were not as they are. */
function disregarding(store: AnyStore, change: Partial<QueueSettings>): Partial<AnyStore> {
  const appendSettled: AppendSettled = async (drafts, rows, options) => {
    const settings = await store.control.queueSettings()
    for (const queue of settings.keys()) await store.control.configureQueue(queue, change)
    const createdAt = await store.appendSettled(drafts, rows, options)
    for (const [queue, { paused, pauseReason, leasesMax }] of settings)
      await store.control.configureQueue(queue, {
        ...{ paused, leasesMax },
        ...(pauseReason === null ? {} : { pauseReason }),
      })
    return createdAt
  }
  return { appendSettled }
}

const THEME = 'append as settled'

export const BROKEN_AT_ONCE: readonly BrokenStore[] = [
  ['never settles at once', THEME, true, () => ({ appendSettled: async () => null })],
  [
    'keeps the rows of chunks that it declines',
    THEME,
    true,
    (store) => ({
      async appendSettled(drafts, rows, options) {
        const createdAt = await store.appendSettled(drafts, rows, options)
        if (createdAt === null) await writeRows(store, rows)
        return createdAt
      },
    }),
  ],
  [
    'loses a row of what it settles at once',
    THEME,
    true,
    (store) => ({
      appendSettled: (drafts, rows, options) =>
        store.appendSettled(
          drafts,
          rows.rows.length < 2 ? rows : { ...rows, rows: rows.rows.slice(1) },
          options,
        ),
    }),
  ],
  [
    'takes no keys for what it settles at once',
    THEME,
    true,
    (store) => redrafting(store, (draft) => ({ ...draft, keys: null })),
  ],
  [
    'leaves what it has settled at once to be claimed',
    THEME,
    true,
    (store) => ({
      async appendSettled(drafts, rows) {
        if (drafts.length === 0 || rows.rows.length === 0) return null
        const [result] = await store.append(drafts)
        await writeRows(store, rows)
        return result?.createdAt ?? null
      },
    }),
  ],
  ['settles at once in a paused queue', THEME, true, (store) => disregarding(store, { paused: false })],
  [
    'settles at once in a queue that has a limit',
    THEME,
    true,
    (store) => disregarding(store, { leasesMax: null }),
  ],
  [
    'stores a known chunk again, under another id',
    THEME,
    true,
    (store) => ({
      async appendSettled(drafts, rows, options) {
        const createdAt = await store.appendSettled(drafts, rows, options)
        if (createdAt !== null) return createdAt
        const others = drafts.map((draft) => ({ ...draft, id: draft.id.replace(/^./, 'f') }))
        return store.appendSettled(others, rows, options)
      },
    }),
  ],
  [
    'answers another time than a resend is answered',
    THEME,
    true,
    (store) => ({
      async appendSettled(drafts, rows, options) {
        const createdAt = await store.appendSettled(drafts, rows, options)
        return createdAt === null ? null : createdAt - 1
      },
    }),
  ],
  [
    'settles at once what is parked',
    THEME,
    true,
    (store) => redrafting(store, (draft) => ({ ...draft, parked: null })),
  ],
  [
    'settles at once what has its place in a partition',
    THEME,
    true,
    (store) => redrafting(store, (draft) => ({ ...draft, partition: null })),
  ],
  [
    'forgets the payloads of what it settles at once',
    THEME,
    false,
    (store) =>
      redrafting(store, (draft) => {
        const body = JSON.stringify(Array.from({ length: draft.size }, () => null))
        return { ...draft, body }
      }),
  ],
  [
    'overwrites rows that it should leave',
    THEME,
    false,
    (store) => ({
      appendSettled: (drafts, rows, options) =>
        store.appendSettled(drafts, { ...rows, onConflict: 'update' }, options),
    }),
  ],
  [
    'declines rows that repeat again and again',
    THEME,
    false,
    (store) => {
      const seen = new Set<string>()
      return {
        async appendSettled(drafts, rows, options) {
          const names = rows.rows.map(([first]) => `${rows.table} ${first}`)
          if (names.some((name) => seen.has(name))) return null
          const createdAt = await store.appendSettled(drafts, rows, options)
          if (createdAt !== null) for (const name of names) seen.add(name)
          return createdAt
        },
      }
    },
  ],
  [
    'wakes workers for what it settles at once',
    THEME,
    false,
    (store) => {
      const listeners: Parameters<AnyStore['wake']['subscribe']>[0][] = []
      return {
        wake: {
          subscribe(listener) {
            listeners.push(listener)
            return store.wake.subscribe(listener)
          },
        },
        async appendSettled(drafts, rows, options) {
          const createdAt = await store.appendSettled(drafts, rows, options)
          if (createdAt === null) return null
          for (const listener of listeners) for (const { queue, size } of drafts) listener(queue, size)
          return createdAt
        },
      }
    },
  ],
]
