// A disk on which the payload of every frame seems to be the one it was written with: what a reader sees who does not check it.

import { basename, dirname } from 'node:path'
import { FRAME_MAGIC_BYTES, readFrameHeader, segmentSalt, writeFrameHeader } from '../../journal/layout.js'
import { parseWriterName } from '../../journal/paths.js'

/** Makes the checksum of every payload in the bytes the right one, given that they are those of a segment from `at` on. */
export function believePayloads(path: string, bytes: Buffer, at: number): void {
  const writer = parseWriterName(basename(dirname(path)))
  if (writer === null) return
  const salt = segmentSalt(writer.writerId, Number.parseInt(basename(path), 10))
  for (let found = bytes.indexOf(FRAME_MAGIC_BYTES); found !== -1; ) {
    const header = readFrameHeader(bytes, found, at + found, salt)
    if (header !== null) writeFrameHeader(bytes, found, header, at + found, salt)
    found = bytes.indexOf(FRAME_MAGIC_BYTES, found + 1)
  }
}
