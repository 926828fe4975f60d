// How much the journal may still take: bytes of this writer's segments that the agent has not removed yet, and what is free on the disk.
// Both are looked at now and then, never per append.

import { SpillwayError } from '../errors/index.js'
import type { Cancel, Clock, Files } from '../ports/index.js'
import { isMissing } from './disk-error.js'
import { ROOM_LOOK_MS, ROOM_WAIT_MS } from './limits.js'
import { segmentNumbers } from './paths.js'

export interface RoomOptions {
  readonly files: Files
  readonly clock: Pick<Clock, 'monotonic' | 'schedule'>
  readonly maxBytes: number
  readonly minFreeBytes: number
}

export class Room {
  readonly #options: RoomOptions
  readonly #waiting = new Set<() => void>()
  #folder: string | null = null
  #segments = new Map<number, number>()
  #bytes = 0
  #freeBytes: number | null = null
  #lookedAt = Number.NEGATIVE_INFINITY
  /** What was refused last has to fit before there is room again. */
  #refusedBytes = 0
  #diskFull = false
  #cancelLook: Cancel | null = null

  constructor(options: RoomOptions) {
    this.#options = options
  }

  get bytes(): number {
    return this.#bytes
  }

  get freeBytes(): number | null {
    return this.#freeBytes
  }

  get isFull(): boolean {
    return this.#refusedBytes > 0
  }

  /** From now on the segments of this folder count. */
  follow(folder: string): void {
    this.#folder = folder
    this.#segments = new Map()
    this.#bytes = 0
  }

  grow(segment: number, bytes: number): void {
    this.#segments.set(segment, (this.#segments.get(segment) ?? 0) + bytes)
    this.#bytes += bytes
    if (this.#freeBytes !== null) this.#freeBytes -= bytes
  }

  /** Something was written: what was refused before it is no measure any more. */
  accepted(): void {
    this.#refusedBytes = 0
  }

  /** What was refused last, if it still is. */
  async lastRefusal(): Promise<SpillwayError | null> {
    return this.#refusedBytes === 0 ? null : this.refusal(this.#refusedBytes)
  }

  /** The disk itself has refused so many bytes; believed until the next look. */
  refusedByDisk(bytes: number): SpillwayError {
    this.#diskFull = true
    return this.#refuse(bytes)
  }

  /** Looks at the disk, unless it was done just now. */
  async refresh(): Promise<void> {
    if (this.#isOlderThan(ROOM_LOOK_MS)) await this.#look()
  }

  /** Why so many bytes may not be written now, or null. */
  async refusal(bytes: number): Promise<SpillwayError | null> {
    await this.refresh()
    if (this.#fits(bytes)) return null
    if (this.#isOlderThan(ROOM_WAIT_MS)) await this.#look()
    return this.#fits(bytes) ? null : this.#refuse(bytes)
  }

  /** Resolves when what was refused last would fit, when the signal aborts, or on close. */
  wait(signal?: AbortSignal): Promise<void> {
    if (!this.isFull || signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      signal?.addEventListener('abort', done)
      this.#waiting.add(done)
      this.#lookLater()
    })
  }

  close(): void {
    this.#refusedBytes = 0
    this.#wake()
  }

  #fits(bytes: number): boolean {
    const { maxBytes, minFreeBytes } = this.#options
    if (this.#diskFull) return false
    if (this.#freeBytes !== null && this.#freeBytes - bytes < minFreeBytes) return false
    return this.#bytes + bytes <= maxBytes
  }

  #refuse(bytes: number): SpillwayError {
    this.#refusedBytes = Math.max(1, bytes)
    const { maxBytes, minFreeBytes } = this.#options
    const why = this.#diskFull
      ? 'The disk of the journal is full'
      : this.#bytes + bytes > maxBytes
        ? `The journal holds as much as it may (maxBytes: ${maxBytes})`
        : `The disk of the journal is nearly full (minFreeBytes: ${minFreeBytes})`
    return new SpillwayError('journal_full', `${why}. Try again later; check that the agent is running.`, {
      details: { bytes: this.#bytes, freeBytes: this.#freeBytes, maxBytes, minFreeBytes },
    })
  }

  #isOlderThan(ms: number): boolean {
    return this.#options.clock.monotonic() - this.#lookedAt >= ms
  }

  /** A disk that does not answer is noticed by what is written to it. */
  async #look(): Promise<void> {
    const { files, clock } = this.#options
    this.#lookedAt = clock.monotonic()
    this.#diskFull = false
    const folder = this.#folder
    if (folder === null) return
    const known = [...this.#segments.keys()]
    try {
      this.#freeBytes = await files.freeBytes(folder)
      this.#forgetRemoved(folder, known, await files.list(folder))
    } catch (error) {
      if (isMissing(error)) this.#forgetRemoved(folder, known, [])
    }
  }

  /** `known`: before the look. What was begun during it may not have been seen. */
  #forgetRemoved(folder: string, known: readonly number[], names: readonly string[]): void {
    if (folder !== this.#folder) return
    const there = new Set(segmentNumbers(names))
    for (const segment of known) {
      const bytes = this.#segments.get(segment)
      if (bytes === undefined || there.has(segment)) continue
      this.#segments.delete(segment)
      this.#bytes -= bytes
    }
  }

  #lookLater(): void {
    this.#cancelLook ??= this.#options.clock.schedule(ROOM_WAIT_MS, () => {
      this.#cancelLook = null
      void this.#lookForWaiting()
    })
  }

  async #lookForWaiting(): Promise<void> {
    await this.#look()
    if (this.#fits(this.#refusedBytes)) this.#refusedBytes = 0
    if (!this.isFull) this.#wake()
    else if (this.#waiting.size > 0) this.#lookLater()
  }

  #wake(): void {
    this.#cancelLook?.()
    this.#cancelLook = null
    for (const done of [...this.#waiting]) done()
  }
}
