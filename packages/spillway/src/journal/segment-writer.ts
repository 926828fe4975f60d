// One segment while it is written: made and safe before it takes anything, then only ever continued, and given up for good at the first
// error. After a failed sync nobody knows what is on the disk, and a later sync that succeeds says nothing about it.

import type { Files, OpenFile } from '../ports/index.js'
import { bestEffort } from './disk-error.js'
import {
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  type FrameKind,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentSalt,
  writeFrameHeader,
} from './layout.js'
import { segmentPath } from './paths.js'

export interface SegmentPlace {
  readonly folder: string
  readonly writerId: string
  readonly segment: number
}

export class SegmentWriter {
  readonly segment: number
  readonly salt: number
  readonly #file: OpenFile
  #offset = SEGMENT_HEADER_BYTES

  private constructor(file: OpenFile, segment: number, salt: number) {
    this.#file = file
    this.segment = segment
    this.salt = salt
  }

  static async create(files: Files, place: SegmentPlace, header: SegmentHeader): Promise<SegmentWriter> {
    const { folder, writerId, segment } = place
    const path = segmentPath(folder, segment)
    const file = await files.open(path, 'create')
    const salt = segmentSalt(writerId, segment)
    try {
      await file.write(encodeSegmentHeader(header, salt), 0)
      await file.sync()
      await files.syncFolder(folder)
    } catch (error) {
      await bestEffort(file.close())
      await bestEffort(files.remove(path))
      throw error
    }
    return new SegmentWriter(file, segment, salt)
  }

  /** Where the next frame goes: the bytes that are good. */
  get offset(): number {
    return this.#offset
  }

  /** The frames count once `keep` is called. */
  async write(frames: Uint8Array): Promise<void> {
    await this.#file.write(frames, this.#offset)
  }

  sync(): Promise<void> {
    return this.#file.sync()
  }

  /** What was written last stays. */
  keep(bytes: number): void {
    this.#offset += bytes
  }

  /** Says that nothing follows here. */
  async seal(kind: FrameKind & ('rolled' | 'closed'), seq: number, at: number): Promise<void> {
    const frame = Buffer.alloc(FRAME_HEADER_BYTES)
    writeFrameHeader(frame, 0, { kind, count: 0, payloadBytes: 0, seq, at }, this.#offset, this.salt)
    try {
      await this.write(frame)
      await this.sync()
      this.keep(frame.length)
    } finally {
      await bestEffort(this.#file.close())
    }
  }

  /** Nothing is written to it any more. What was written last and did not succeed is cut off, so that it takes no room. */
  async abandon(): Promise<void> {
    await bestEffort(this.#file.truncate(this.#offset))
    await bestEffort(this.#file.close())
  }
}
