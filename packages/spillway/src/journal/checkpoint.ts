// How far a writer's journal was left behind, so that a reader resumes there. Two slots are written in turn, each in a disk block of its own
// with a generation and a checksum: a torn write leaves the other one. The writer makes the file in full size, so that a reader on a
// full disk needs no room for it.

import { crc32 } from 'node:zlib'
import type { Files, OpenFile } from '../ports/index.js'
import { bestEffort, isMissing } from './disk-error.js'
import type { Position } from './frame.js'
import { checkpointPath } from './paths.js'

const MAGIC = 0xfa5043ff
const VERSION = 1
const SLOT_BYTES = 40
const CRC_AT = 36
/** Where the slots are: no write of one touches the block of the other. */
const SLOT_OFFSETS = [0, 4_096] as const
const FILE_BYTES = 8_192

interface Slot {
  readonly generation: number
  readonly position: Position
}

export type CheckpointRead =
  | { readonly status: 'found'; readonly generation: number; readonly position: Position }
  /** Nothing was ever left behind. */
  | { readonly status: 'none' }
  /** There was one, and it cannot be read. */
  | { readonly status: 'broken' }

export async function createCheckpoint(files: Files, folder: string): Promise<void> {
  const file = await files.open(checkpointPath(folder), 'create')
  try {
    await file.write(Buffer.alloc(FILE_BYTES), 0)
    await file.sync()
  } finally {
    await bestEffort(file.close())
  }
}

export async function readCheckpoint(files: Files, folder: string): Promise<CheckpointRead> {
  let file: OpenFile
  try {
    file = await files.open(checkpointPath(folder), 'read')
  } catch (error) {
    if (isMissing(error)) return { status: 'none' }
    throw error
  }
  try {
    const [first, second] = [await readSlot(file, SLOT_OFFSETS[0]), await readSlot(file, SLOT_OFFSETS[1])]
    const latest = [decodeSlot(first), decodeSlot(second)]
      .filter((slot) => slot !== null)
      .sort((a, b) => b.generation - a.generation)[0]
    if (latest !== undefined) return { status: 'found', ...latest }
    // The first checkpoint goes to the second slot: with nothing in the first one, none was ever completed.
    return { status: first.every((byte) => byte === 0) ? 'none' : 'broken' }
  } finally {
    await bestEffort(file.close())
  }
}

/** Zeros where the file ends. */
async function readSlot(file: OpenFile, at: number): Promise<Buffer> {
  const bytes = Buffer.alloc(SLOT_BYTES)
  await file.read(bytes, at)
  return bytes
}

/** Writes checkpoints of one folder; after an error the next one opens the file anew. */
export class CheckpointWriter {
  readonly #files: Files
  #generation: number
  #file: OpenFile | null = null

  constructor(files: Files, generation: number) {
    this.#files = files
    this.#generation = generation
  }

  /** Safe once it resolves. When it throws, the last one still holds, or this one does. */
  async write(folder: string, position: Position): Promise<void> {
    const generation = this.#generation + 1
    const file = this.#file ?? (await this.#open(folder))
    // Unless all goes well the next one goes through a file opened anew, to the same slot: the other one is what holds.
    this.#file = null
    try {
      await file.write(encodeSlot({ generation, position }), SLOT_OFFSETS[generation % 2] as number)
      await file.sync()
    } catch (error) {
      await bestEffort(file.close())
      throw error
    }
    this.#generation = generation
    this.#file = file
  }

  async close(): Promise<void> {
    const file = this.#file
    this.#file = null
    if (file !== null) await bestEffort(file.close())
  }

  async #open(folder: string): Promise<OpenFile> {
    try {
      return await this.#openKept(folder)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    await createCheckpoint(this.#files, folder)
    await this.#files.syncFolder(folder)
    return this.#files.open(checkpointPath(folder), 'update')
  }

  /** The slot that holds may have been left by an agent that died before its sync: until it is safe the other one must not be touched. */
  async #openKept(folder: string): Promise<OpenFile> {
    const file = await this.#files.open(checkpointPath(folder), 'update')
    try {
      await file.sync()
      return file
    } catch (error) {
      await bestEffort(file.close())
      throw error
    }
  }
}

function encodeSlot({ generation, position }: Slot): Buffer {
  const bytes = Buffer.alloc(SLOT_BYTES)
  bytes.writeUInt32LE(MAGIC, 0)
  bytes.writeUInt8(VERSION, 4)
  bytes.writeUIntLE(generation, 8, 6)
  bytes.writeUIntLE(position.segment, 14, 6)
  bytes.writeUIntLE(position.offset, 20, 6)
  bytes.writeUIntLE(position.seq, 26, 6)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, CRC_AT)), CRC_AT)
  return bytes
}

function decodeSlot(bytes: Buffer): Slot | null {
  if (bytes.readUInt32LE(0) !== MAGIC || bytes.readUInt8(4) !== VERSION) return null
  if (bytes.readUInt32LE(CRC_AT) !== crc32(bytes.subarray(0, CRC_AT))) return null
  return {
    generation: bytes.readUIntLE(8, 6),
    position: {
      segment: bytes.readUIntLE(14, 6),
      offset: bytes.readUIntLE(20, 6),
      seq: bytes.readUIntLE(26, 6),
    },
  }
}
