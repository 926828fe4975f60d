// What one consumer has in hand on one connection, and what it says to the server about it. Acknowledgements of one moment go in one call.

import type { Delivery } from '../../ports/index.js'
import { type Entry, entryOf, type RawEntry } from './entry.js'
import type { Line } from './link.js'
import { GROUP, NOBODY, type QueueKeys } from './names.js'

export interface DeskParts {
  readonly line: Line
  readonly keys: QueueKeys
  readonly consumer: string
  readonly onDelivery: (delivery: Delivery) => void
  /** There is room for one more. */
  readonly onRoom: () => void
  /** Something was given back, to be taken again. */
  readonly onReleased: () => void
  readonly onFault: (error: unknown) => void
}

/** Entries of one call of a script. */
const IDS_MAX = 500
const REASON_LENGTH_MAX = 2_000

export class Desk {
  readonly #parts: DeskParts
  /** By the entry's id. A message that comes again takes the place of what it was before. */
  readonly #held = new Map<string, object>()
  readonly #saying = new Set<Promise<unknown>>()
  #acknowledged: string[] = []
  #isOpen = true

  constructor(parts: DeskParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#held.size
  }

  handOut(raw: RawEntry, redelivered: boolean): void {
    const { onDelivery, onFault } = this.#parts
    const entry = entryOf(raw)
    const mark = {}
    this.#held.set(entry.entryId, mark)
    try {
      onDelivery(this.#deliveryOf(entry, mark, redelivered))
    } catch (error) {
      this.#release(entry.entryId, mark)
      onFault(error)
    }
  }

  /** Says that what is in hand is being worked on. */
  async keep(): Promise<void> {
    const ids = [...this.#held.keys()]
    for (let from = 0; from < ids.length; from += IDS_MAX) {
      const some = ids.slice(from, from + IDS_MAX)
      const { line, keys, consumer } = this.#parts
      const lost = await line.ask((client) => client.spillwayKeep(keys.messages, GROUP, consumer, ...some))
      for (const id of lost as string[]) if (this.#held.delete(id)) this.#parts.onRoom()
    }
  }

  /** Nothing can be ended any more. */
  void(): void {
    this.#isOpen = false
    this.#held.clear()
  }

  /** Once everything that was said has gone to the server. */
  async settled(): Promise<void> {
    this.#flush()
    await Promise.all(this.#saying)
  }

  #deliveryOf({ entryId, ...entry }: Entry, mark: object, redelivered: boolean): Delivery {
    return {
      ...entry,
      redelivered,
      ack: () => {
        if (!this.#take(entryId, mark)) return
        if (this.#acknowledged.length === 0) queueMicrotask(() => this.#flush())
        this.#acknowledged.push(entryId)
      },
      release: () => this.#release(entryId, mark),
      refuse: (reason) => {
        const { keys, consumer } = this.#parts
        const said = reason.slice(0, REASON_LENGTH_MAX)
        if (!this.#take(entryId, mark)) return
        this.#say((line) =>
          line.ask((client) =>
            client.spillwayRefuse(keys.messages, keys.refused, GROUP, consumer, entryId, said),
          ),
        )
      },
    }
  }

  #release(entryId: string, mark: object): void {
    const { keys, consumer, onReleased } = this.#parts
    if (!this.#take(entryId, mark)) return
    this.#say(async (line) => {
      await line.ask((client) => client.spillwayRelease(keys.messages, GROUP, consumer, NOBODY, entryId))
      onReleased()
    })
  }

  #take(entryId: string, mark: object): boolean {
    if (!this.#isOpen || this.#held.get(entryId) !== mark) return false
    this.#held.delete(entryId)
    this.#parts.onRoom()
    return true
  }

  #flush(): void {
    const ids = this.#acknowledged
    this.#acknowledged = []
    const { keys, consumer } = this.#parts
    for (let from = 0; from < ids.length; from += IDS_MAX) {
      const some = ids.slice(from, from + IDS_MAX)
      this.#say((line) => line.ask((client) => client.spillwayEnd(keys.messages, GROUP, consumer, ...some)))
    }
  }

  /** What the server does not hear is as if it was not said: the message comes again. */
  #say(say: (line: Line) => Promise<unknown>): void {
    const { line, onFault } = this.#parts
    const saying = say(line)
      .catch((error: unknown) => {
        if (line.client.status === 'ready') onFault(error)
      })
      .finally(() => this.#saying.delete(saying))
    this.#saying.add(saying)
  }
}
