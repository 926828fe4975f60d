// The frames in a piece of a segment. Pure, and safe on any bytes: what is on a disk after a power cut may be anything.

import { FRAME_HEADER_BYTES, type FrameHeader, isPayloadIntact, readFrameHeader } from './layout.js'

export interface SegmentFrame {
  readonly header: FrameHeader
  readonly payload: Uint8Array
  /** Where it begins, and where the next one does. */
  readonly offset: number
  readonly end: number
}

/**
 * Why reading stopped at `end`. `more`: there is more to read. `rolled`, `closed`: a seal. `end`: no byte follows.
 * `short`: fewer bytes follow than a frame needs. `bad`: what follows is no frame, or not as it was written.
 */
export type StopReason = 'more' | 'rolled' | 'closed' | 'end' | 'short' | 'bad'

export interface SegmentPiece {
  readonly frames: readonly SegmentFrame[]
  readonly end: number
  readonly stop: StopReason
}

/** `bytes` are those of the segment from `offset` on; its frames are views of them. Stops after the first frame that makes `bytesMax` of payload. */
export function parseFrames(bytes: Buffer, offset: number, salt: number, bytesMax: number): SegmentPiece {
  const frames: SegmentFrame[] = []
  let payloadBytes = 0
  let at = 0
  for (;;) {
    const end = offset + at
    const left = bytes.length - at
    if (left === 0) return { frames, end, stop: 'end' }
    if (left < FRAME_HEADER_BYTES) return { frames, end, stop: 'short' }
    const header = readFrameHeader(bytes, at, end, salt)
    if (header === null) return { frames, end, stop: 'bad' }
    if (frames.length > 0 && payloadBytes + header.payloadBytes > bytesMax)
      return { frames, end, stop: 'more' }
    const next = at + FRAME_HEADER_BYTES + header.payloadBytes
    if (next > bytes.length) return { frames, end, stop: 'short' }
    if (!isPayloadIntact(bytes, at, header)) return { frames, end, stop: 'bad' }
    if (header.kind === 'rolled' || header.kind === 'closed') return { frames, end, stop: header.kind }
    if (header.kind === 'chunk') {
      const payload = bytes.subarray(at + FRAME_HEADER_BYTES, next)
      frames.push({ header, payload, offset: end, end: offset + next })
      payloadBytes += header.payloadBytes
    }
    at = next
  }
}
