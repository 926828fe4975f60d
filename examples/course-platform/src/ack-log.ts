// Which clicks were answered, written so that it survives the death of the process that got the answers: a plain write
// is in the kernel's hands once it returns, whatever happens to its writer.

import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'

const RECORD_BYTES = 4

export interface AckLog {
  add(index: number): void
  close(): void
}

export function openAckLog(file: string): AckLog {
  const fd = openSync(file, 'a')
  const record = Buffer.alloc(RECORD_BYTES)
  return {
    add(index) {
      record.writeUInt32LE(index)
      writeSync(fd, record)
    },
    close: () => closeSync(fd),
  }
}

export function countAcks(file: string): number {
  return Math.floor((statSync(file, { throwIfNoEntry: false })?.size ?? 0) / RECORD_BYTES)
}

/** Indexes of the clicks that were answered. */
export function readAcks(file: string): Set<number> {
  const records = countAcks(file)
  if (records === 0) return new Set()
  const bytes = readFileSync(file)
  return new Set(Array.from({ length: records }, (_, at) => bytes.readUInt32LE(at * RECORD_BYTES)))
}
