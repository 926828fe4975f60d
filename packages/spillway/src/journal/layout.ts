// The bytes of a segment. Both headers have a checksum that begins with the segment's salt: what belongs to another writer, another segment
// or another place of the same one is no frame here, be it left over on the disk or inside of a payload. The bytes that mark a frame
// cannot occur in UTF-8 text. Integers are little endian; sequence numbers and times have 48 bits.

import { crc32 } from 'node:zlib'
import { FRAME_BYTES_MAX } from './limits.js'

const VERSION = 1
const SEGMENT_MAGIC = 0xf85357ff
const FRAME_MAGIC = 0xf9a55aff
/** As it is found in a file. */
export const FRAME_MAGIC_BYTES = Buffer.from([0xff, 0x5a, 0xa5, 0xf9])

export const SEGMENT_HEADER_BYTES = 64
export const FRAME_HEADER_BYTES = 40
const SEGMENT_CRC_AT = 60
const PAYLOAD_CRC_AT = 32
const FRAME_CRC_AT = 36

/**
 * `chunk`: a payload. `probe`: nothing, written to see whether it can be. `rolled`: the last of this segment, another one follows. `closed`:
 * the last of this writer.
 */
export const FRAME_KINDS = ['chunk', 'probe', 'rolled', 'closed'] as const
export type FrameKind = (typeof FRAME_KINDS)[number]

export interface SegmentHeader {
  readonly createdAt: number
  /** Commands of the writer that were acknowledged before: all of them are in earlier segments. */
  readonly safeSeq: number
  /** The number of the first command of this segment. What lies between the two was rejected and is never numbered again. */
  readonly firstSeq: number
}

export interface FrameHeader {
  readonly kind: FrameKind
  readonly count: number
  readonly payloadBytes: number
  /** Commands of this writer before it. */
  readonly seq: number
  readonly at: number
  readonly payloadCrc: number
}

/** What the checksums of a segment begin with. */
export function segmentSalt(writerId: string, segment: number): number {
  return crc32(Buffer.from(`${writerId}/${segment}`), 0)
}

export function encodeSegmentHeader(header: SegmentHeader, salt: number): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  bytes.writeUInt32LE(SEGMENT_MAGIC, 0)
  bytes.writeUInt8(VERSION, 4)
  bytes.writeUIntLE(header.createdAt, 8, 6)
  bytes.writeUIntLE(header.safeSeq, 14, 6)
  bytes.writeUIntLE(header.firstSeq, 20, 6)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, SEGMENT_CRC_AT), salt), SEGMENT_CRC_AT)
  return bytes
}

/** Null when it is not the header of this segment. */
export function decodeSegmentHeader(bytes: Buffer, salt: number): SegmentHeader | null {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.readUInt32LE(0) !== SEGMENT_MAGIC) return null
  if (bytes.readUInt32LE(SEGMENT_CRC_AT) !== crc32(bytes.subarray(0, SEGMENT_CRC_AT), salt)) return null
  if (bytes.readUInt8(4) !== VERSION) return null
  return {
    createdAt: bytes.readUIntLE(8, 6),
    safeSeq: bytes.readUIntLE(14, 6),
    firstSeq: bytes.readUIntLE(20, 6),
  }
}

/** Writes the header at `at` of the bytes, for a frame at `offset` of the segment. Its payload must stand behind it already. */
export function writeFrameHeader(
  bytes: Buffer,
  at: number,
  frame: Omit<FrameHeader, 'payloadCrc'>,
  offset: number,
  salt: number,
): void {
  bytes.writeUInt32LE(FRAME_MAGIC, at)
  bytes.writeUInt8(VERSION, at + 4)
  bytes.writeUInt8(FRAME_KINDS.indexOf(frame.kind), at + 5)
  bytes.writeUInt16LE(0, at + 6)
  bytes.writeUInt32LE(frame.count, at + 8)
  bytes.writeUInt32LE(frame.payloadBytes, at + 12)
  bytes.writeUIntLE(frame.seq, at + 16, 6)
  bytes.writeUIntLE(frame.at, at + 22, 6)
  bytes.writeUInt32LE(offset, at + 28)
  const payloadAt = at + FRAME_HEADER_BYTES
  bytes.writeUInt32LE(
    crc32(bytes.subarray(payloadAt, payloadAt + frame.payloadBytes), 0),
    at + PAYLOAD_CRC_AT,
  )
  bytes.writeUInt32LE(crc32(bytes.subarray(at, at + FRAME_CRC_AT), salt), at + FRAME_CRC_AT)
}

/** The header at `at` of the bytes, if it is that of a frame at `offset` of the segment. The payload is not looked at. */
export function readFrameHeader(bytes: Buffer, at: number, offset: number, salt: number): FrameHeader | null {
  if (bytes.length - at < FRAME_HEADER_BYTES || bytes.readUInt32LE(at) !== FRAME_MAGIC) return null
  if (bytes.readUInt32LE(at + FRAME_CRC_AT) !== crc32(bytes.subarray(at, at + FRAME_CRC_AT), salt))
    return null
  const kind = FRAME_KINDS[bytes.readUInt8(at + 5)]
  const header = {
    count: bytes.readUInt32LE(at + 8),
    payloadBytes: bytes.readUInt32LE(at + 12),
    seq: bytes.readUIntLE(at + 16, 6),
    at: bytes.readUIntLE(at + 22, 6),
    payloadCrc: bytes.readUInt32LE(at + PAYLOAD_CRC_AT),
  }
  if (kind === undefined || bytes.readUInt8(at + 4) !== VERSION || bytes.readUInt32LE(at + 28) !== offset)
    return null
  if (header.payloadBytes > FRAME_BYTES_MAX || (kind === 'chunk') !== header.count > 0) return null
  return { kind, ...header }
}

/** Whether the payload behind the header at `at` is the one it was written with. All of it must be in `bytes`. */
export function isPayloadIntact(bytes: Buffer, at: number, header: FrameHeader): boolean {
  const payloadAt = at + FRAME_HEADER_BYTES
  return crc32(bytes.subarray(payloadAt, payloadAt + header.payloadBytes), 0) === header.payloadCrc
}
