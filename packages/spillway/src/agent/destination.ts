// Where an agent takes frames: a broker, the store, or the worker of its own process. Frames in, one verdict per frame out.

import type { ChunkAddress } from '../domain/index.js'

/** A frame whose first line was read, and no more of it. */
export interface AddressedFrame {
  readonly address: ChunkAddress
  /** The envelope, as it stands in the journal. */
  readonly payload: Uint8Array
}

/**
 * `shipped`: it is in good hands and the journal may forget it. `refused`: nobody will ever take it; `reason` says why. `unknown`: it may
 * have arrived or not, and has to be sent again.
 */
export type ShipVerdict =
  | { readonly status: 'shipped' }
  | { readonly status: 'refused'; readonly reason: string }
  | { readonly status: 'unknown'; readonly error: unknown }

export const SHIPPED: ShipVerdict = { status: 'shipped' }

export interface Destination {
  /** For messages: `store`, or the broker's name. */
  readonly name: string
  /** Frames of one call at most, and their bytes (a frame that is larger goes alone). */
  readonly batchFramesMax: number
  readonly batchBytesMax: number
  /** Calls under way at once for one writer. */
  readonly batchesMax: number
  /**
   * What keeps the order of an ordered queue's partition: a `call` arrives as it is or not at all; of several `calls`, an earlier one also
   * arrives before a later one; `nothing`: parts of a call may arrive without those before them.
   */
  readonly orderKeptBy: 'nothing' | 'call' | 'calls'
  /** One verdict per frame, in order. Never rejects. */
  ship(frames: readonly AddressedFrame[]): Promise<readonly ShipVerdict[]>
}
