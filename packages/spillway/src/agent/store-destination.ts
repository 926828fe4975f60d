// Frames to the store: what a store channel would have appended. Storing a chunk twice changes nothing, so whatever is in doubt is sent
// again. A frame that the store will never take is found by halving, so that it stands in nobody's way.

import { type ChunkDraft, decodeEnvelope, lateConflicts } from '../domain/index.js'
import { errorCode, isSpillwayError } from '../errors/index.js'
import type { Store } from '../ports/index.js'
import { type AddressedFrame, type Destination, SHIPPED, type ShipVerdict } from './destination.js'

/** One transaction: large enough to share the cost of a commit, small enough to stay short. */
const BATCH_FRAMES_MAX = 64
const BATCH_BYTES_MAX = 2 * 1024 * 1024

export function storeDestination(store: Pick<Store, 'append' | 'probe' | 'capabilities'>): Destination {
  return {
    name: 'store',
    batchFramesMax: BATCH_FRAMES_MAX,
    batchBytesMax: BATCH_BYTES_MAX,
    // A store that is synchronous inside gains nothing from a second append in flight.
    batchesMax: store.capabilities.transactionalSettle === 'sync' ? 1 : 2,
    orderKeptBy: 'call',
    ship: (frames) => new Shipment(store).ship(frames),
  }
}

interface Parcel {
  readonly index: number
  readonly draft: ChunkDraft
}

/** One call. */
class Shipment {
  readonly #store: Pick<Store, 'append' | 'probe'>
  readonly #verdicts: ShipVerdict[] = []

  constructor(store: Pick<Store, 'append' | 'probe'>) {
    this.#store = store
  }

  async ship(frames: readonly AddressedFrame[]): Promise<readonly ShipVerdict[]> {
    const parcels: Parcel[] = []
    for (const [index, { payload }] of frames.entries()) {
      try {
        parcels.push({ index, draft: decodeEnvelope(payload) })
      } catch (error) {
        this.#verdicts[index] = { status: 'refused', reason: messageOf(error) }
      }
    }
    if (parcels.length > 0) await this.#append(parcels)
    return this.#verdicts
  }

  async #append(parcels: readonly Parcel[]): Promise<void> {
    try {
      await this.#appendTogether(parcels.map(({ draft }) => draft))
      this.#answer(parcels, SHIPPED)
    } catch (error) {
      if (!mayBeTheirFault(error)) this.#answer(parcels, { status: 'unknown', error })
      else if (parcels.length === 1) await this.#judge(parcels, error)
      else await this.#appendHalves(parcels)
    }
  }

  /** In order: the second half waits when the first one has to be sent again. */
  async #appendHalves(parcels: readonly Parcel[]): Promise<void> {
    const middle = Math.ceil(parcels.length / 2)
    await this.#append(parcels.slice(0, middle))
    const rest = parcels.slice(middle)
    const doubt = this.#verdicts.find((verdict) => verdict?.status === 'unknown')
    if (doubt === undefined) await this.#append(rest)
    else this.#answer(rest, doubt)
  }

  async #appendTogether(drafts: readonly ChunkDraft[]): Promise<void> {
    // Their callers have ids already: a repeat must be found by its own.
    const results = await this.#store.append(drafts, { remember: true })
    const conflicts = drafts
      .map((draft, index) => lateConflicts(draft, results[index]?.verdicts ?? null))
      .filter((chunk) => chunk !== null)
    if (conflicts.length > 0) await this.#store.append(conflicts)
  }

  /** A frame that fails alone is refused only by a store that takes writes otherwise. */
  async #judge(parcels: readonly Parcel[], error: unknown): Promise<void> {
    try {
      await this.#store.probe()
      // By its code alone: what a database says may quote what it was given.
      this.#answer(parcels, { status: 'refused', reason: `the store refuses it (${errorCode(error)})` })
    } catch {
      this.#answer(parcels, { status: 'unknown', error })
    }
  }

  #answer(parcels: readonly Parcel[], verdict: ShipVerdict): void {
    for (const { index } of parcels) this.#verdicts[index] = verdict
  }
}

/** A store that is away, full or of another version says nothing about what it was given. */
function mayBeTheirFault(error: unknown): boolean {
  return !isSpillwayError(error) || (!error.retryable && error.category !== 'incompatible')
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it could not be read'
}
