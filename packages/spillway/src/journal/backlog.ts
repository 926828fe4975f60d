// How much of a writer's journal is still to be left behind, told from sizes and a header or two.

import type { Position } from './frame.js'
import { FRAME_HEADER_BYTES, type FrameHeader, SEGMENT_HEADER_BYTES } from './layout.js'
import type { SegmentFolder } from './segment-folder.js'

export interface Backlog {
  /** Bytes of segments from the last advance on; 0 when there is no frame in them. */
  readonly bytes: number
  /** When the oldest frame that was not advanced over was written, ms since the epoch; null when there is none, or it cannot be read. */
  readonly oldestAt: number | null
}

/** Frames that hold nothing, looked through for the first one that does. */
const EMPTY_FRAMES_MAX = 1_000

export async function measureBacklog(folder: SegmentFolder, position: Position): Promise<Backlog> {
  let bytes = 0
  let oldest: FirstFrame = 'none'
  for (const segment of await folder.segments()) {
    if (segment < position.segment) continue
    const from = segment === position.segment ? position.offset : SEGMENT_HEADER_BYTES
    const left = (await folder.bytesOf(segment)) - from
    if (left <= 0) continue
    bytes += left
    if (oldest === 'none') oldest = await firstFrame(folder, segment, from)
  }
  if (oldest === 'none') return { bytes: 0, oldestAt: null }
  return { bytes, oldestAt: oldest === 'unreadable' ? null : oldest.at }
}

type FirstFrame = FrameHeader | 'none' | 'unreadable'

async function firstFrame(folder: SegmentFolder, segment: number, from: number): Promise<FirstFrame> {
  const reader = await folder.open(segment)
  if (reader === null) return 'none'
  try {
    let offset = from
    for (let looked = 0; looked < EMPTY_FRAMES_MAX; looked += 1) {
      const header = await reader.frameHeader(offset)
      if (header === null) return offset === (await folder.bytesOf(segment)) ? 'none' : 'unreadable'
      if (header.kind === 'chunk') return header
      offset += FRAME_HEADER_BYTES
    }
    return 'unreadable'
  } finally {
    await reader.close()
  }
}
