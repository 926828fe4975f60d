// What a script knows about the frames it had written, in numbers of changes of the disk, so that every image can be judged by what was
// promised when it was taken.

import { FRAME_MAGIC_BYTES } from '../../journal/layout.js'
import type { Random } from '../../ports/index.js'

export interface SubmittedFrame {
  /** The payload, which no other frame has; one character per byte. */
  readonly text: string
  readonly count: number
  /** In the order of submission. */
  readonly order: number
  /** When its append resolved. */
  ackedAt: number | null
  /** When the script said that it is in good hands. */
  shippedAt: number | null
  /** A tail of a living disk handed it out. */
  delivered: boolean
}

const FILLER_BYTES_MAX = 180
const COUNT_MAX = 9

export class JournalFacts {
  readonly #frames = new Map<string, SubmittedFrame>()

  submit(random: Random): { frame: SubmittedFrame; payload: string | Buffer } {
    const order = this.#frames.size
    const size = Math.floor(random() * FILLER_BYTES_MAX)
    const isHostile = random() < 0.2
    const text = `${order}:${isHostile ? FRAME_MAGIC_BYTES.toString('latin1').repeat(size / 8) : 'x'.repeat(size)}`
    const count = 1 + Math.floor(random() * COUNT_MAX)
    const frame = { text, count, order, ackedAt: null, shippedAt: null, delivered: false }
    this.#frames.set(text, frame)
    return { frame, payload: isHostile ? Buffer.from(text, 'latin1') : text }
  }

  find(payload: Uint8Array): SubmittedFrame | undefined {
    return this.#frames.get(Buffer.from(payload).toString('latin1'))
  }

  /** Acknowledged by then, and nobody had said yet that it is in good hands. */
  owed(at: number): SubmittedFrame[] {
    return [...this.#frames.values()].filter(
      ({ ackedAt, shippedAt }) =>
        ackedAt !== null && ackedAt <= at && (shippedAt === null || shippedAt >= at),
    )
  }

  undelivered(): SubmittedFrame[] {
    return [...this.#frames.values()].filter(({ ackedAt, delivered }) => ackedAt !== null && !delivered)
  }
}
