// One direction of one connection: takes what the source sends, holds it as long as the faults say, and passes it on in
// order. Delay is latency, not a lower rate: what arrives together leaves together.

import type { Socket } from 'node:net'
import type { Cancel, Clock } from '../../ports/index.js'
import type { CutKind, DirectionFaults } from './direction-faults.js'

/** Bytes held back before the source has to wait. */
const HELD_BYTES_MAX = 4 * 1024 * 1024

interface Held {
  /** Null = the source has ended. */
  readonly chunk: Buffer | null
  readonly dueAt: number
}

export interface PipeOptions {
  readonly source: Socket
  readonly destination: Socket
  readonly faults: DirectionFaults
  readonly clock: Clock
  /** Cuts the whole connection. */
  readonly cut: (how: CutKind) => void
}

export class Pipe {
  /** Whether something was swallowed: what follows makes no sense to the other side any more. */
  hasLostBytes = false
  readonly #options: PipeOptions
  readonly #held: Held[] = []
  #heldBytes = 0
  #isBlocked = false
  #isClosed = false
  #cancelTimer: Cancel | null = null

  constructor(options: PipeOptions) {
    this.#options = options
    const { source, destination } = options
    source.on('data', (chunk) => this.#take(chunk as Buffer))
    source.on('end', () => this.#take(null))
    destination.on('drain', () => {
      this.#isBlocked = false
      this.pump()
    })
  }

  /** Passes on what may go now. To be called again when a fault ends. */
  pump(): void {
    const { faults, clock } = this.#options
    this.#cancelTimer?.()
    this.#cancelTimer = null
    for (;;) {
      const [next] = this.#held
      if (next === undefined || this.#isBlocked || this.#isClosed || faults.isPaused) return
      const waitMs = next.dueAt - clock.monotonic()
      if (waitMs > 0) {
        this.#cancelTimer = clock.schedule(Math.ceil(waitMs), () => this.pump())
        return
      }
      this.#held.shift()
      this.#release(next.chunk)
    }
  }

  /** Nothing passes any more. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#held.length = 0
  }

  #take(chunk: Buffer | null): void {
    const { faults, clock, source } = this.#options
    if (this.#isClosed) return
    this.#held.push({ chunk, dueAt: faults.delayMs === 0 ? 0 : clock.monotonic() + faults.delayMs })
    this.#heldBytes += chunk?.length ?? 0
    if (this.#heldBytes > HELD_BYTES_MAX) source.pause()
    this.pump()
  }

  #release(chunk: Buffer | null): void {
    const { faults, destination, source } = this.#options
    this.#heldBytes -= chunk?.length ?? 0
    if (source.isPaused() && this.#heldBytes <= HELD_BYTES_MAX) source.resume()
    if (faults.isSwallowed) {
      this.hasLostBytes = true
    } else if (chunk === null) {
      destination.end()
    } else {
      this.#pass(chunk)
    }
  }

  #pass(chunk: Buffer): void {
    const { faults, destination, cut } = this.#options
    const passage = faults.pass(chunk.length)
    const part = chunk.subarray(0, passage.bytes)
    if (passage.cut === null) {
      this.#isBlocked = !destination.write(part)
      return
    }
    const { cut: how } = passage
    this.close()
    // What was let through arrives before the cut does.
    if (part.length === 0) cut(how)
    else destination.write(part, () => cut(how))
  }
}
