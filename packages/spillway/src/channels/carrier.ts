// Where chunks go that do not go into the store at once: a broker, or the journal. It takes them as they are and says which of them it has
// safely; what becomes of them there is not its affair.

import type { ChunkDraft, Durability } from '../domain/index.js'
import type { SpillwayError } from '../errors/index.js'

/** A chunk, encoded. */
export interface Parcel {
  readonly draft: ChunkDraft
  readonly contentType: string
  readonly body: Uint8Array
}

export interface Carrier {
  readonly kind: 'broker' | 'journal'
  /** For messages to people: `rabbitmq`, `journal`. */
  readonly name: string
  readonly durability: Durability
  /** Calls of `carry` at once. Parcels of one partition are carried in the order of the calls only if it is 1. */
  readonly inFlightMax: number
  /** Commands of one parcel at most; null = as the queue has it. */
  readonly parcelCommandsMax: number | null
  /** Bytes of one parcel's body at most. */
  parcelBytesMax(): number
  encode(draft: ChunkDraft): Parcel
  /** One per parcel, in order: null = it is safe, else why it is not, or not known to be. Never rejects. */
  carry(parcels: readonly Parcel[]): Promise<readonly (SpillwayError | null)[]>
}
