// Bugs in taking commands: what was acknowledged, what is a repeat, and when it may start.

import type { AppendVerdict, ChunkDraft } from '../../../domain/index.js'
import type { PlantedBug } from './planted-bug.js'

const COMMIT_DELAY_MS = 40
const LOST_COMMITS = 0.2
const HEX = 16

const ackBeforeCommit: PlantedBug = {
  name: 'ack-before-commit',
  what: 'append answers before it commits, and some commits fail',
  plant: (store, soil) => ({
    ...store,
    append(drafts, options) {
      if (drafts.some(({ keys }) => keys !== null)) return store.append(drafts, options)
      soil.later(COMMIT_DELAY_MS, () => {
        if (!soil.dice.chance(LOST_COMMITS)) void store.append(drafts, options)
      })
      return Promise.resolve(drafts.map(() => ({ createdAt: soil.now(), verdicts: null })))
    },
  }),
}

const keysIgnored: PlantedBug = {
  name: 'keys-ignored',
  what: 'append does not look at idempotency keys',
  plant: (store) => ({
    ...store,
    append: (drafts, options) =>
      store.append(
        drafts.map((draft) => ({ ...draft, keys: null })),
        options,
      ),
  }),
}

const conflictAsDuplicate: PlantedBug = {
  name: 'conflict-as-duplicate',
  what: 'a key that comes back with another payload is answered as a repeat',
  plant: (store) => ({
    ...store,
    async append(drafts, options) {
      const results = await store.append(drafts, options)
      const forgive = (verdict: AppendVerdict): AppendVerdict =>
        verdict.status === 'conflict' ? { status: 'duplicate', id: verdict.id } : verdict
      return results.map((result) => ({ ...result, verdicts: result.verdicts?.map(forgive) ?? null }))
    },
  }),
}

const resendStoredAgain: PlantedBug = {
  name: 'resend-stored-again',
  what: 'a chunk that is sent again after an unknown outcome is stored a second time',
  plant(store) {
    const seen = new Set<string>()
    const fresh = (draft: ChunkDraft): ChunkDraft => {
      if (!seen.has(draft.id)) {
        seen.add(draft.id)
        return draft
      }
      const last = Number.parseInt(draft.id.slice(-1), HEX)
      return { ...draft, id: draft.id.slice(0, -1) + ((last + 1) % HEX).toString(HEX), keys: null }
    }
    return { ...store, append: (drafts, options) => store.append(drafts.map(fresh), options) }
  },
}

const duplicatesExecuted: PlantedBug = {
  name: 'skip-ignored',
  what: 'a claim hands out duplicates, cancelled and finished commands as if they had to run',
  plant: (store) => ({
    ...store,
    claim: async (request) => (await store.claim(request)).map((lease) => ({ ...lease, skip: [] })),
  }),
}

const runAtIgnored: PlantedBug = {
  name: 'run-at-ignored',
  what: 'scheduled commands are due at once',
  plant: (store) => ({
    ...store,
    append(drafts, options) {
      const hurry = (draft: ChunkDraft): ChunkDraft => ({
        ...draft,
        parked: draft.parked?.map((entry) => (entry === null ? null : { ...entry, nextAt: 0 })) ?? null,
      })
      return store.append(drafts.map(hurry), options)
    },
  }),
}

const conflictStored: PlantedBug = {
  name: 'conflict-stored',
  what: 'a conflicting command is refused and stored all the same',
  plant: (store) => ({
    ...store,
    async append(drafts, options) {
      const results = await store.append(drafts, options)
      for (const [at, draft] of drafts.entries()) {
        const conflicts = results[at]?.verdicts?.some(({ status }) => status === 'conflict')
        if (conflicts === true)
          await store.append([{ ...draft, keys: null, id: `${draft.id.slice(0, -1)}f` }])
      }
      return results
    },
  }),
}

export const APPEND_BUGS: readonly PlantedBug[] = [
  ackBeforeCommit,
  keysIgnored,
  conflictAsDuplicate,
  conflictStored,
  resendStoredAgain,
  duplicatesExecuted,
  runAtIgnored,
]
