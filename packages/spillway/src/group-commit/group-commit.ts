// The one algorithm that makes each write cheaper the busier it gets. Idle: whatever is added until the I/O of this moment
// was handled is flushed together. While `inFlightMax` flushes run, items gather; each completion flushes what has
// gathered. No timer is involved: the size of a group follows from how long a flush takes.

import type { Clock } from '../ports/index.js'

export interface GroupCommitOptions<Item> {
  readonly clock: Pick<Clock, 'defer'>
  /** Writes the items and answers each of them. */
  readonly flush: (items: Item[]) => Promise<void>
  /** Answers the items of a flush that threw. Must not throw. */
  readonly onError: (items: Item[], error: unknown) => void
  /** Flushes at once. */
  readonly inFlightMax: number
  /**
   * Whether items that would go alone are to go in halves: then one half is written while whoever added the other is answered and adds more.
   * Without that, all who wait for the same flush come back at the same time, and the writer idles meanwhile. Default: never.
   */
  readonly isToBeHalved?: (items: readonly Item[]) => boolean
  /** Items and bytes of one flush at most; a single item larger than that goes alone. */
  readonly itemsMax: number
  readonly bytesMax: number
}

interface Group<Item> {
  readonly order: number
  readonly items: Item[]
  bytes: number
}

interface Drain {
  /** Groups up to this one are waited for. */
  readonly order: number
  readonly resolve: () => void
}

export class GroupCommit<Item> {
  readonly #options: GroupCommitOptions<Item>
  /** In the order they were started. */
  readonly #inFlight = new Set<Group<Item>>()
  /** Groups that are as large as they may be, oldest first; `#open` follows them. */
  readonly #full: Group<Item>[] = []
  #open: Group<Item> = { order: 0, items: [], bytes: 0 }
  #drains: Drain[] = []
  #itemsPending = 0
  #bytesPending = 0
  #deferred = false

  constructor(options: GroupCommitOptions<Item>) {
    this.#options = options
  }

  /** Items added and not yet answered, waiting and in flight. */
  get itemsPending(): number {
    return this.#itemsPending
  }

  get bytesPending(): number {
    return this.#bytesPending
  }

  add(item: Item, bytes: number): void {
    if (this.#open.items.length > 0 && this.#isFullFor(bytes)) this.#full.push(this.#replaceOpen())
    this.#open.items.push(item)
    this.#open.bytes += bytes
    this.#itemsPending += 1
    this.#bytesPending += bytes
    this.#flushSoon()
  }

  /** Resolves once everything added so far was flushed. */
  drain(): Promise<void> {
    if (this.#itemsPending === 0) return Promise.resolve()
    return new Promise((resolve) => this.#drains.push({ order: this.#open.order, resolve }))
  }

  #isFullFor(bytes: number): boolean {
    const { items, bytes: gathered } = this.#open
    return items.length >= this.#options.itemsMax || gathered + bytes > this.#options.bytesMax
  }

  #replaceOpen(): Group<Item> {
    const group = this.#open
    this.#open = { order: group.order + 1, items: [], bytes: 0 }
    return group
  }

  /** Never at once, not even after a flush: over a store that is synchronous inside, submits would starve everything else. */
  #flushSoon(): void {
    if (this.#deferred || !this.#isWaiting || this.#inFlight.size >= this.#options.inFlightMax) return
    this.#deferred = true
    this.#options.clock.defer(() => {
      this.#deferred = false
      this.#startFlushes()
    })
  }

  get #isWaiting(): boolean {
    return this.#full.length > 0 || this.#open.items.length > 0
  }

  #startFlushes(): void {
    this.#halve()
    while (this.#inFlight.size < this.#options.inFlightMax) {
      const group = this.#full.shift() ?? (this.#open.items.length > 0 ? this.#replaceOpen() : null)
      if (group === null) break
      this.#inFlight.add(group)
      void this.#flush(group)
    }
  }

  #halve(): void {
    const { inFlightMax, isToBeHalved } = this.#options
    const isAlone = this.#inFlight.size === 0 && this.#full.length === 0
    if (!isAlone || inFlightMax < 2 || isToBeHalved?.(this.#open.items) !== true) return
    const { order, items, bytes } = this.#replaceOpen()
    const middle = items.length >> 1
    const half = bytes >> 1
    this.#full.push({ order, items: items.slice(0, middle), bytes: half })
    this.#full.push({ order, items: items.slice(middle), bytes: bytes - half })
  }

  async #flush(group: Group<Item>): Promise<void> {
    // The items' number is taken now: the array is the flush's own from here on.
    const count = group.items.length
    try {
      await this.#options.flush(group.items)
    } catch (error) {
      this.#options.onError(group.items, error)
    } finally {
      this.#inFlight.delete(group)
      this.#itemsPending -= count
      this.#bytesPending -= group.bytes
      this.#flushSoon()
      if (this.#drains.length > 0) this.#resolveDrains()
    }
  }

  #resolveDrains(): void {
    const [oldestInFlight] = this.#inFlight
    const oldest = oldestInFlight ?? this.#full[0] ?? this.#open
    const before = this.#itemsPending === 0 ? Number.POSITIVE_INFINITY : oldest.order
    const done = this.#drains.filter((drain) => drain.order < before)
    this.#drains = this.#drains.filter((drain) => drain.order >= before)
    for (const { resolve } of done) resolve()
  }
}
