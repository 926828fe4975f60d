// Frames to the store: what a store channel would have appended. Storing a chunk twice changes nothing, so whatever is in doubt is sent
// again.

import { type ChunkDraft, decodeEnvelope, lateConflicts } from '../domain/index.js'
import { appendApart, type Fate } from '../landing/index.js'
import type { Store } from '../ports/index.js'
import { type AddressedFrame, type Destination, SHIPPED, type ShipVerdict } from './destination.js'

/** One transaction: large enough to share the cost of a commit, small enough to stay short. */
const BATCH_FRAMES_MAX = 64
const BATCH_BYTES_MAX = 2 * 1024 * 1024

type ShippingStore = Pick<Store, 'append' | 'probe' | 'capabilities'>

export function storeDestination(store: ShippingStore): Destination {
  return {
    name: 'store',
    batchFramesMax: BATCH_FRAMES_MAX,
    batchBytesMax: BATCH_BYTES_MAX,
    // A store that is synchronous inside gains nothing from a second append in flight.
    batchesMax: store.capabilities.transactionalSettle === 'sync' ? 1 : 2,
    orderKeptBy: 'call',
    ship: (frames) => ship(store, frames),
  }
}

async function ship(
  store: ShippingStore,
  frames: readonly AddressedFrame[],
): Promise<readonly ShipVerdict[]> {
  const readings = frames.map(({ payload }) => read(payload))
  const drafts = readings.filter((reading) => isDraft(reading))
  const fates = await keep(store, drafts)
  const verdicts = new Map(drafts.map((draft, at) => [draft, verdictOf(fates[at] as Fate)]))
  return readings.map((reading) => (isDraft(reading) ? (verdicts.get(reading) as ShipVerdict) : reading))
}

function read(payload: Uint8Array): ChunkDraft | ShipVerdict {
  try {
    return decodeEnvelope(payload)
  } catch (error) {
    return { status: 'refused', reason: error instanceof Error ? error.message : 'it could not be read' }
  }
}

function isDraft(reading: ChunkDraft | ShipVerdict): reading is ChunkDraft {
  return 'body' in reading
}

/** A chunk is stored once the records of its conflicts are. */
async function keep(store: ShippingStore, drafts: readonly ChunkDraft[]): Promise<readonly Fate[]> {
  if (drafts.length === 0) return []
  // Their callers have ids already: a repeat must be found by its own.
  const fates = await appendApart(store, drafts, { remember: true })
  const conflicts = drafts.map((draft, at) => conflictsOf(draft, fates[at] as Fate))
  const recorded = conflicts.filter((draft) => draft !== null)
  if (recorded.length === 0) return fates
  const itsFates = new Map(
    (await appendApart(store, recorded, {})).map((fate, at) => [recorded[at] as ChunkDraft, fate]),
  )
  return fates.map((fate, at) => itsFates.get(conflicts[at] as ChunkDraft) ?? fate)
}

function conflictsOf(draft: ChunkDraft, fate: Fate): ChunkDraft | null {
  return fate.status === 'stored' ? lateConflicts(draft, fate.result.verdicts) : null
}

function verdictOf(fate: Fate): ShipVerdict {
  switch (fate.status) {
    case 'stored':
      return SHIPPED
    case 'refused':
      return fate
    case 'left':
      return { status: 'unknown', error: fate.error }
  }
}
