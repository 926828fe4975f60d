// Which partitions of ordered queues have a frame on its way, so that no later one overtakes it.

import type { ChunkAddress } from '../domain/index.js'

export class OrderedPlaces {
  readonly #taken = new Set<string>()

  isTaken(address: ChunkAddress): boolean {
    return this.#taken.size > 0 && address.partition !== null && this.#taken.has(placeOf(address))
  }

  take(address: ChunkAddress): void {
    if (address.partition !== null) this.#taken.add(placeOf(address))
  }

  free(address: ChunkAddress): void {
    if (address.partition !== null) this.#taken.delete(placeOf(address))
  }
}

function placeOf({ queue, partition }: ChunkAddress): string {
  return `${partition}:${queue}`
}
