// Reads one segment in pieces of bounded size, whatever the segment's. Says where the readable bytes stop and why; what that means
// depends on who still writes, and is the tail's business.

import type { Files, OpenFile } from '../ports/index.js'
import { bestEffort } from './disk-error.js'
import {
  decodeSegmentHeader,
  FRAME_HEADER_BYTES,
  FRAME_MAGIC_BYTES,
  type FrameHeader,
  isPayloadIntact,
  readFrameHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentSalt,
} from './layout.js'
import { READ_BYTES } from './limits.js'
import { parseFrames, type SegmentPiece } from './parse-frames.js'

/** Little enough to be read for a single small frame. */
const READ_BYTES_MIN = 4 * 1024

export type HeaderRead =
  | { readonly status: 'good'; readonly header: SegmentHeader }
  /** Not all of it is there. */
  | { readonly status: 'short' }
  | { readonly status: 'bad' }

/** What is read into: shared by readers that take turns. */
export class ReadMemory {
  #bytes = Buffer.alloc(0)

  get length(): number {
    return this.#bytes.length
  }

  /** The same bytes again, until they are given away. */
  take(length: number): Buffer {
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length)
    return this.#bytes.subarray(0, length)
  }

  giveAway(): void {
    this.#bytes = Buffer.alloc(0)
  }
}

interface Window {
  readonly bytes: Buffer
  readonly offset: number
  /** Nothing follows in the file. */
  readonly isLast: boolean
}

export class SegmentReader {
  readonly segment: number
  readonly #file: OpenFile
  readonly #salt: number
  readonly #memory: ReadMemory

  private constructor(file: OpenFile, place: { writerId: string; segment: number }, memory: ReadMemory) {
    const { writerId, segment } = place
    this.#file = file
    this.segment = segment
    this.#salt = segmentSalt(writerId, segment)
    this.#memory = memory
  }

  static async open(
    files: Files,
    path: string,
    place: { writerId: string; segment: number },
    memory = new ReadMemory(),
  ): Promise<SegmentReader> {
    return new SegmentReader(await files.open(path, 'read'), place, memory)
  }

  async header(): Promise<HeaderRead> {
    const { bytes } = await this.#window(0, SEGMENT_HEADER_BYTES)
    if (bytes.length < SEGMENT_HEADER_BYTES) return { status: 'short' }
    const header = decodeSegmentHeader(bytes, this.#salt)
    return header === null ? { status: 'bad' } : { status: 'good', header }
  }

  /** The header of the frame at `offset`, whatever its payload is like. */
  async frameHeader(offset: number): Promise<FrameHeader | null> {
    const { bytes } = await this.#window(offset, FRAME_HEADER_BYTES)
    return readFrameHeader(bytes, 0, offset, this.#salt)
  }

  /** Frames from `offset` on: at least one if there is one, otherwise as many as `bytesMax` of payload allow. */
  async read(offset: number, bytesMax: number): Promise<SegmentPiece> {
    const window = await this.#window(offset, Math.min(READ_BYTES, Math.max(READ_BYTES_MIN, bytesMax)))
    const piece = this.#handOut(window, bytesMax)
    if (piece.stop !== 'short' || piece.end > offset || window.isLast) return asMore(piece, window)
    const header = readFrameHeader(window.bytes, 0, offset, this.#salt)
    if (header === null) return piece
    const whole = await this.#window(offset, FRAME_HEADER_BYTES + header.payloadBytes)
    return asMore(this.#handOut(whole, bytesMax), whole)
  }

  /** The first frame at or after `from` that is wholly good, or null; and whether all bytes up to there, or up to the end, are 0. */
  async findGood(from: number): Promise<{ good: FrameHeader | null; at: number; isZero: boolean }> {
    let isZero = true
    for (let offset = from; ; ) {
      const { bytes, isLast } = await this.#window(offset, READ_BYTES)
      for (let at = 0; ; at += 1) {
        at = bytes.indexOf(FRAME_MAGIC_BYTES, at)
        if (at === -1) break
        const good = await this.#goodFrame(bytes, at, offset + at)
        if (good === null) continue
        return { good, at: offset + at, isZero: isZero && isAllZero(bytes.subarray(0, at)) }
      }
      isZero &&= isAllZero(bytes)
      if (isLast) return { good: null, at: offset + bytes.length, isZero }
      // A header that was cut by the window is seen whole by the next one.
      offset += Math.max(1, bytes.length - FRAME_HEADER_BYTES + 1)
    }
  }

  close(): Promise<void> {
    return bestEffort(this.#file.close())
  }

  async #goodFrame(bytes: Buffer, at: number, offset: number): Promise<FrameHeader | null> {
    const header = readFrameHeader(bytes, at, offset, this.#salt)
    if (header === null) return null
    const frameBytes = FRAME_HEADER_BYTES + header.payloadBytes
    if (at + frameBytes <= bytes.length) return isPayloadIntact(bytes, at, header) ? header : null
    const whole = Buffer.allocUnsafeSlow(frameBytes)
    const isWhole = (await this.#file.read(whole, offset)) === frameBytes
    return isWhole && isPayloadIntact(whole, 0, header) ? header : null
  }

  /** Frames are views of memory that is theirs alone: of the window's, or where they are few, of a copy in the size they need. */
  #handOut({ bytes, offset }: Window, bytesMax: number): SegmentPiece {
    const isMost = bytes.length > this.#memory.length >> 1
    const piece = parseFrames(isMost ? bytes : Buffer.from(bytes), offset, this.#salt, bytesMax)
    if (isMost && piece.frames.length > 0) this.#memory.giveAway()
    return piece
  }

  /** Valid until the next one. */
  async #window(offset: number, length: number): Promise<Window> {
    const bytes = this.#memory.take(length)
    const read = await this.#file.read(bytes, offset)
    return { bytes: bytes.subarray(0, read), offset, isLast: read < length }
  }
}

/** What ends at the end of what was read, but not of the file, goes on there. */
function asMore(piece: SegmentPiece, { isLast }: Window): SegmentPiece {
  const isOpen = piece.stop === 'end' || piece.stop === 'short'
  return isOpen && !isLast ? { ...piece, stop: 'more' } : piece
}

function isAllZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
