// The frames of one writer that wait for their turn, and which of them may go together next: in the order of the file, to one destination,
// no more than it takes at once, and none beside an earlier one of its partition where that could overtake it.

import type { AddressedFrame, Destination } from './destination.js'
import type { WindowFrame } from './frame-window.js'
import { OrderedPlaces } from './ordered-places.js'

export interface OutgoingFrame<Place> extends AddressedFrame {
  /** Commands, as its header says. */
  readonly count: number
  /** ms since the epoch. */
  readonly writtenAt: number
  /** Its place in the window, which outlives its payload. */
  readonly slot: WindowFrame<Place>
  readonly destination: Destination
}

export interface Batch<Place> {
  readonly destination: Destination
  readonly frames: readonly OutgoingFrame<Place>[]
}

export class Outbox<Place> {
  readonly #places = new OrderedPlaces()
  readonly #waiting: OutgoingFrame<Place>[] = []
  #underWay = 0

  get underWay(): number {
    return this.#underWay
  }

  push(frame: OutgoingFrame<Place>): void {
    this.#waiting.push(frame)
  }

  /** Null when nothing may go now. */
  next(): Batch<Place> | null {
    const first = this.#waiting[0]
    if (first === undefined || this.#underWay >= first.destination.batchesMax) return null
    const frames = this.#take(first.destination)
    if (frames.length === 0) return null
    for (const { address } of frames) this.#places.take(address)
    this.#underWay += 1
    return { destination: first.destination, frames }
  }

  ended({ frames }: Batch<Place>): void {
    for (const { address } of frames) this.#places.free(address)
    this.#underWay -= 1
  }

  /** Nothing that waits will go any more: what waited. */
  clear(): readonly OutgoingFrame<Place>[] {
    return this.#waiting.splice(0)
  }

  #take(destination: Destination): OutgoingFrame<Place>[] {
    const frames: OutgoingFrame<Place>[] = []
    const within = new OrderedPlaces()
    let bytes = 0
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      bytes += next.slot.bytes
      const isTooMuch = frames.length >= destination.batchFramesMax || bytes > destination.batchBytesMax
      if (next.destination !== destination || (frames.length > 0 && isTooMuch)) break
      if (this.#wouldOvertake(next, within)) break
      within.take(next.address)
      frames.push(next)
      this.#waiting.shift()
    }
    return frames
  }

  #wouldOvertake({ address, destination }: OutgoingFrame<Place>, within: OrderedPlaces): boolean {
    switch (destination.orderKeptBy) {
      case 'calls':
        return false
      case 'call':
        return this.#places.isTaken(address)
      case 'nothing':
        return this.#places.isTaken(address) || within.isTaken(address)
    }
  }
}
