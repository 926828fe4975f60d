// How much waits in each queue, as far as this process can know without asking for every submit: what the store counted a
// moment ago, with what this process has added since and what the workers have probably finished.

import { type DrainRate, observeDrain, type QueueLoad } from '../domain/index.js'
import type { Clock, StoreReader, Telemetry } from '../ports/index.js'

/** The store is asked no more often than this, and only while somebody submits. */
export const LOADS_REFRESH_MS = 1_000

export interface QueueLoadsOptions {
  readonly reader: Pick<StoreReader, 'queues'>
  readonly clock: Clock
  readonly telemetry: Telemetry
}

interface Counted {
  readonly depth: number
  readonly bytes: number
  /** When the oldest was committed by the store's clock, taken for the machine's. */
  readonly oldestReadyAt: number | null
}

interface Watched {
  counted: Counted
  drain: DrainRate | null
  addedCommands: number
  addedBytes: number
}

const EMPTY: Counted = Object.freeze({ depth: 0, bytes: 0, oldestReadyAt: null })

export class QueueLoads {
  readonly #options: QueueLoadsOptions
  readonly #queues = new Map<string, Watched>()
  #refreshedAt = Number.NEGATIVE_INFINITY
  #refreshing: Promise<void> | null = null

  constructor(options: QueueLoadsOptions) {
    this.#options = options
  }

  /** Also sees to it that the next answer is a fresh one. Until the first answer of the store a queue counts as empty. */
  loadOf(queue: string): { readonly load: QueueLoad; readonly drainPerSecond: number } {
    this.#refreshWhenDue()
    const { counted, drain, addedCommands, addedBytes } = this.#watched(queue)
    const { clock } = this.#options
    const drainPerSecond = drain?.perSecond ?? 0
    const finished = Math.floor((drainPerSecond * Math.max(0, clock.monotonic() - this.#refreshedAt)) / 1_000)
    const depth = Math.max(0, counted.depth + addedCommands - (Number.isFinite(finished) ? finished : 0))
    const bytesEach = (counted.bytes + addedBytes) / Math.max(1, counted.depth + addedCommands)
    const oldestAgeMs =
      depth === 0 || counted.oldestReadyAt === null ? 0 : clock.now() - counted.oldestReadyAt
    return {
      load: { depth, bytes: Math.round(depth * bytesEach), oldestAgeMs: Math.max(0, oldestAgeMs) },
      drainPerSecond,
    }
  }

  noteAdded(queue: string, commands: number, bytes: number): void {
    const watched = this.#watched(queue)
    watched.addedCommands += commands
    watched.addedBytes += bytes
  }

  /** Resolves when no question to the store is under way. */
  async settled(): Promise<void> {
    await this.#refreshing
  }

  #watched(queue: string): Watched {
    const known = this.#queues.get(queue)
    if (known !== undefined) return known
    const watched: Watched = { counted: EMPTY, drain: null, addedCommands: 0, addedBytes: 0 }
    this.#queues.set(queue, watched)
    return watched
  }

  #refreshWhenDue(): void {
    const now = this.#options.clock.monotonic()
    if (this.#refreshing !== null || now - this.#refreshedAt < LOADS_REFRESH_MS) return
    this.#refreshing = this.#refresh().finally(() => {
      this.#refreshing = null
    })
  }

  async #refresh(): Promise<void> {
    const { reader, clock, telemetry } = this.#options
    // What is added while the store counts may be in its answer or not: counted twice for a moment is the safe side.
    const before = new Map(
      [...this.#queues].map(([queue, { addedCommands, addedBytes }]) => [
        queue,
        { addedCommands, addedBytes },
      ]),
    )
    try {
      const counts = new Map((await reader.queues()).map((queue) => [queue.queue, queue]))
      const now = clock.now()
      for (const [queue, watched] of this.#queues) {
        const counted = counts.get(queue)
        const { addedCommands = 0, addedBytes = 0 } = before.get(queue) ?? {}
        const depth = counted === undefined ? 0 : counted.ready + counted.running
        const finished = Math.max(0, watched.counted.depth + addedCommands - depth)
        watched.drain = observeDrain(watched.drain, finished, now)
        watched.counted =
          counted === undefined
            ? EMPTY
            : { depth, bytes: counted.readyBytes, oldestReadyAt: counted.oldestReadyAt }
        watched.addedCommands -= addedCommands
        watched.addedBytes -= addedBytes
      }
    } catch (error) {
      // The appends themselves will say so if the store takes nothing.
      telemetry.record({ event: 'fault', where: 'admission', error })
    }
    this.#refreshedAt = clock.monotonic()
  }
}
