// From offers to parcels that their carrier takes. A chunk that came out larger than a message may be is cut in halves; a single command
// that is too large is refused alone.

import { CHUNK_BYTES_MAX } from '../domain/index.js'
import { SpillwayError } from '../errors/index.js'
import type { NewChunkId } from '../ports/index.js'
import type { Carrier, Parcel } from './carrier.js'
import { draftOf, type Group, groupOffers } from './drafts.js'
import type { Offer } from './offer.js'

/** A parcel and whose commands are in it, in the order of its indexes. */
export interface Packed {
  readonly group: Group
  readonly parcel: Parcel
}

export interface PackingOptions {
  readonly queue: string
  readonly carrier: Carrier
  readonly newChunkId: NewChunkId
  readonly chunkCommandsMax: number
  /** Told of commands that cannot be carried. */
  readonly refuse: (offer: Offer, error: SpillwayError) => void
}

/** In the order of the offers, as far as groupOffers keeps it. */
export function pack(offers: readonly Offer[], options: PackingOptions): Packed[] {
  const { carrier, chunkCommandsMax } = options
  const bytesMax = carrier.parcelBytesMax()
  const commandsMax = Math.min(chunkCommandsMax, carrier.parcelCommandsMax ?? chunkCommandsMax)
  const packed: Packed[] = []
  for (const group of groupOffers(offers, commandsMax, Math.min(bytesMax, CHUNK_BYTES_MAX)))
    packGroup(group, bytesMax, options, packed)
  return packed
}

function packGroup(group: Group, bytesMax: number, options: PackingOptions, into: Packed[]): void {
  const { queue, carrier, newChunkId, refuse } = options
  const parcel = carrier.encode(draftOf(newChunkId(), queue, group))
  if (parcel.body.byteLength <= bytesMax) {
    into.push({ group, parcel })
  } else if (group.offers.length === 1) {
    refuse(group.offers[0] as Offer, tooLarge(carrier.name, parcel.body.byteLength, bytesMax))
  } else {
    for (const half of halves(group)) packGroup(half, bytesMax, options, into)
  }
}

function halves({ offers }: Group): Group[] {
  const middle = offers.length >> 1
  return [offers.slice(0, middle), offers.slice(middle)].map((some) => ({
    offers: some,
    bytes: some.reduce((sum, { command }) => sum + command.bytes + 1, 2),
  }))
}

function tooLarge(carrier: string, bytes: number, bytesMax: number): SpillwayError {
  return new SpillwayError(
    'payload_too_large',
    `The command makes a message of ${bytes} bytes; ${carrier} takes at most ${bytesMax}. Store the data elsewhere and submit a reference, or raise the limit of ${carrier}.`,
    { details: { bytes, bytesMax } },
  )
}
