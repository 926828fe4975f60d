import { describe, expect, it } from 'vitest'
import { seededRandom } from '../testing/seeded-random.js'
import { GroupBuffer, type SizedFrame } from './group-buffer.js'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  readFrameHeader,
  SEGMENT_HEADER_BYTES,
  segmentSalt,
} from './layout.js'
import { FRAME_BYTES_MAX } from './limits.js'
import { parseFrames } from './parse-frames.js'

const WRITER = '0'.repeat(31).concat('1')
const SALT = segmentSalt(WRITER, 1)
const FUZZED_BUFFERS = 1_000_000

function frame(payload: string, count = 1): SizedFrame {
  return { kind: 'chunk', count, payload, payloadBytes: Buffer.byteLength(payload) }
}

function encode(frames: readonly SizedFrame[], offset = SEGMENT_HEADER_BYTES): Buffer {
  const bytes = frames.reduce((sum, { payloadBytes }) => sum + FRAME_HEADER_BYTES + payloadBytes, 0)
  return Buffer.from(new GroupBuffer().encode(frames, bytes, { offset, salt: SALT, seq: 7, at: 1_000 }))
}

function texts(bytes: Buffer, offset = SEGMENT_HEADER_BYTES, bytesMax = 1_000): [string[], string, number] {
  const { frames, stop, end } = parseFrames(bytes, offset, SALT, bytesMax)
  return [frames.map(({ payload }) => Buffer.from(payload).toString()), stop, end]
}

describe('the header of a segment', () => {
  const header = { createdAt: 1_767_225_600_000, safeSeq: 2 ** 40, firstSeq: 2 ** 40 + 5 }

  it('comes back as it was written, in its own segment of its own writer alone', () => {
    const bytes = encodeSegmentHeader(header, SALT)
    expect(decodeSegmentHeader(bytes, SALT)).toEqual(header)
    expect(decodeSegmentHeader(bytes, segmentSalt(WRITER, 2))).toBeNull()
    expect(decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES - 1), SALT)).toBeNull()
  })

  it('is recognised as broken whatever bit was flipped', () => {
    for (let bit = 0; bit < SEGMENT_HEADER_BYTES * 8; bit += 1) {
      const bytes = encodeSegmentHeader(header, SALT)
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      expect(decodeSegmentHeader(bytes, SALT)).toBeNull()
    }
  })
})

describe('frames', () => {
  it('come back in order with what was said about them', () => {
    const bytes = encode([frame('first', 3), frame(''), frame('ünïcode 💧')])
    const { frames } = parseFrames(bytes, SEGMENT_HEADER_BYTES, SALT, 1_000)
    expect(frames.map(({ header: { seq, count, at } }) => [seq, count, at])).toEqual([
      [7, 3, 1_000],
      [10, 1, 1_000],
      [11, 1, 1_000],
    ])
    expect(texts(bytes)).toEqual([['first', '', 'ünïcode 💧'], 'end', SEGMENT_HEADER_BYTES + bytes.length])
  })

  it('are cut off at the number of bytes asked for, but there is always one', () => {
    const bytes = encode([frame('12345'), frame('678')])
    expect(texts(bytes, SEGMENT_HEADER_BYTES, 0).slice(0, 2)).toEqual([['12345'], 'more'])
    expect(texts(bytes, SEGMENT_HEADER_BYTES, 8)[0]).toEqual(['12345', '678'])
  })

  it('end where the last whole one ends, wherever the bytes are cut', () => {
    const bytes = encode([frame('12345'), frame('678')])
    const first = FRAME_HEADER_BYTES + 5
    for (let length = 0; length < bytes.length; length += 1) {
      const stop = length === 0 || length === first ? 'end' : 'short'
      const end = SEGMENT_HEADER_BYTES + (length < first ? 0 : first)
      expect(texts(bytes.subarray(0, length))).toEqual([length < first ? [] : ['12345'], stop, end])
    }
  })

  it('are bad from a flipped bit on, whichever it is', () => {
    const bytes = encode([frame('12345'), frame('678')])
    for (let bit = (FRAME_HEADER_BYTES + 5) * 8; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3]! ^= 1 << (bit & 7)
      expect(texts(flipped).slice(0, 2)).toEqual([['12345'], 'bad'])
    }
  })

  it('are none at another place, in another segment or of another writer', () => {
    const bytes = encode([frame('12345')])
    expect(readFrameHeader(bytes, 0, SEGMENT_HEADER_BYTES + 1, SALT)).toBeNull()
    expect(readFrameHeader(bytes, 0, SEGMENT_HEADER_BYTES, segmentSalt(WRITER, 2))).toBeNull()
  })

  it('that claim to be larger than a frame can be, or to hold no command, are none', () => {
    const huge = encode([{ ...frame(''), payloadBytes: 0 }])
    expect(readFrameHeader(huge, 0, SEGMENT_HEADER_BYTES, SALT)).not.toBeNull()
    const empty = encode([{ ...frame('x'), count: 0 }])
    expect(readFrameHeader(empty, 0, SEGMENT_HEADER_BYTES, SALT)).toBeNull()
    expect(FRAME_BYTES_MAX).toBeLessThan(2 ** 32)
  })
})

it('reads a million mutated buffers without inventing a frame', () => {
  const random = seededRandom(1)
  const originals = [
    encode([frame('12345', 2), frame('{"a":1}'), frame('x')]),
    encode([frame(''), frame('y'.repeat(60))]),
    encode([frame('z'.repeat(20), 9)]),
  ]
  const known = new Set(['12345', '{"a":1}', 'x', '', 'y'.repeat(60), 'z'.repeat(20)])
  const scratch = originals.map((bytes) => Buffer.from(bytes))
  let whole = 0
  for (let i = 0; i < FUZZED_BUFFERS; i += 1) {
    const original = originals[i % 3] as Buffer
    const bytes = scratch[i % 3] as Buffer
    const at = Math.floor(random() * bytes.length)
    const length = 1 + Math.floor(random() * 4)
    bytes.writeUInt8(Math.floor(random() * 256), at)
    if (length > 1) bytes.copy(bytes, at, Math.floor(random() * bytes.length))
    const cut = random() < 0.3 ? Math.floor(random() * bytes.length) : bytes.length
    const { frames } = parseFrames(bytes.subarray(0, cut), SEGMENT_HEADER_BYTES, SALT, 1_000)
    for (const { payload } of frames)
      if (!known.has(payload.toString())) throw new Error(`invented a frame in buffer ${i}`)
    whole += frames.length
    original.copy(bytes)
  }
  expect(whole).toBeGreaterThan(FUZZED_BUFFERS / 10)
})
