// A count and a byte bound over what a channel holds.

import { COMMAND_BYTES_MAX } from '../domain/index.js'

export class Bounds {
  readonly #itemsMax: number
  readonly #bytesMax: number
  #items = 0
  #bytes = 0

  constructor(itemsMax: number, bytesMax: number) {
    this.#itemsMax = itemsMax
    this.#bytesMax = bytesMax
  }

  get items(): number {
    return this.#items
  }

  fits(bytes: number, items = 1): boolean {
    return this.#items + items <= this.#itemsMax && this.#bytes + bytes <= this.#bytesMax
  }

  /** Commands that may come before the count is full; none when a large one might not fit any more. */
  get freeSlots(): number {
    const large = Math.min(COMMAND_BYTES_MAX, this.#bytesMax / 2)
    return this.#bytes + large <= this.#bytesMax ? this.#itemsMax - this.#items : 0
  }

  add(bytes: number, items = 1): void {
    this.#items += items
    this.#bytes += bytes
  }

  remove(bytes: number, items = 1): void {
    this.#items -= items
    this.#bytes -= bytes
  }
}
