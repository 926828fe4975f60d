// The frames of one write, laid out as they stand in the segment: every payload is encoded once, straight to where it belongs. The memory
// is used again by the next write, since one is under way at a time.

import type { NewFrame } from './frame.js'
import { FRAME_HEADER_BYTES, type FrameKind, writeFrameHeader } from './layout.js'

/** What is kept between writes; a group that is larger has memory of its own. */
const KEPT_BYTES = 1024 * 1024

/** A frame whose size is known. */
export interface SizedFrame extends NewFrame {
  readonly kind: FrameKind
  readonly payloadBytes: number
}

export interface FramesPlace {
  readonly offset: number
  readonly salt: number
  readonly seq: number
  readonly at: number
}

export class GroupBuffer {
  #kept = Buffer.allocUnsafeSlow(0)

  /** Valid until the next call. */
  encode(frames: readonly SizedFrame[], bytes: number, place: FramesPlace): Buffer {
    const buffer = this.#memory(bytes)
    let { seq } = place
    let at = 0
    for (const { kind, count, payload, payloadBytes } of frames) {
      const payloadAt = at + FRAME_HEADER_BYTES
      if (typeof payload === 'string') buffer.write(payload, payloadAt, payloadBytes, 'utf8')
      else buffer.set(payload, payloadAt)
      const header = { kind, count, payloadBytes, seq, at: place.at }
      writeFrameHeader(buffer, at, header, place.offset + at, place.salt)
      seq += count
      at = payloadAt + payloadBytes
    }
    return buffer.subarray(0, bytes)
  }

  #memory(bytes: number): Buffer {
    if (bytes > KEPT_BYTES) return Buffer.allocUnsafeSlow(bytes)
    if (bytes > this.#kept.length)
      this.#kept = Buffer.allocUnsafeSlow(Math.min(KEPT_BYTES, Math.max(bytes, 2 * this.#kept.length)))
    return this.#kept
  }
}
