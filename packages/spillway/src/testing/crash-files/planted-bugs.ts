// Mistakes that a journal could make, planted around the disk it writes to: the proof that the images would find them.

import type { Files, OpenFile } from '../../ports/index.js'
import { believePayloads } from './without-checksums.js'

export interface PlantedBug {
  readonly name: string
  readonly files?: (files: Files) => Files
  /** For whoever reads an image. */
  readonly reading?: (files: Files) => Files
  /** The agent leaves behind what it has read, not what it has shipped. */
  readonly isAhead?: boolean
}

function withFiles(files: Files, wrap: (file: OpenFile, path: string) => OpenFile): Files {
  const bound = bind(files)
  return { ...bound, open: async (path, mode) => wrap(await files.open(path, mode), path) }
}

function bind(files: Files): Files {
  return {
    open: (path, mode) => files.open(path, mode),
    list: (folder) => files.list(folder),
    info: (path) => files.info(path),
    makeFolder: (path) => files.makeFolder(path),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    removeFolder: (path) => files.removeFolder(path),
    syncFolder: (path) => files.syncFolder(path),
    touch: (path, at) => files.touch(path, at),
    freeBytes: (path) => files.freeBytes(path),
  }
}

function withCalls(file: OpenFile, calls: Partial<OpenFile>): OpenFile {
  return {
    read: (into, at) => file.read(into, at),
    write: (bytes, at) => file.write(bytes, at),
    truncate: (bytes) => file.truncate(bytes),
    sync: () => file.sync(),
    close: () => file.close(),
    ...calls,
  }
}

async function later(work: () => Promise<void>): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await null
  await work().catch(() => {})
}

const isSegment = (path: string): boolean => path.endsWith('.seg')
const isCheckpoint = (path: string): boolean => path.endsWith('checkpoint')
/** A folder of a writer. */
const WRITER = /\/[0-9a-f]{32}$/

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'acknowledges before the sync has come back',
    files: (files) =>
      withFiles(files, (file, path) =>
        isSegment(path) ? withCalls(file, { sync: async () => void later(() => file.sync()) }) : file,
      ),
  },
  {
    name: 'does not sync folders',
    files: (files) => ({ ...bind(files), syncFolder: () => Promise.resolve() }),
  },
  { name: 'leaves behind what was not shipped', isAhead: true },
  {
    name: 'removes segments before the checkpoint is safe',
    files: (files) =>
      withFiles(files, (file, path) =>
        isCheckpoint(path) ? withCalls(file, { sync: () => Promise.resolve() }) : file,
      ),
  },
  {
    name: 'believes a sync that is tried again',
    files: (files) =>
      withFiles(files, (file, path) =>
        isSegment(path) ? withCalls(file, { sync: () => file.sync().catch(() => file.sync()) }) : file,
      ),
  },
  {
    name: 'has one slot for its checkpoints',
    files: (files) =>
      withFiles(files, (file, path) =>
        isCheckpoint(path)
          ? withCalls(file, { write: (bytes, at) => file.write(bytes, bytes.length > 100 ? at : 0) })
          : file,
      ),
  },
  {
    name: 'does not look whether its folder is still there',
    files: (files) => ({
      ...bind(files),
      info: async (path) =>
        (await files.info(path)) ?? (WRITER.test(path) ? { isFolder: true, bytes: 0, modifiedAt: 0 } : null),
    }),
  },
  {
    name: 'does not check the payload of a frame',
    reading: (files) =>
      withFiles(files, (file, path) =>
        isSegment(path)
          ? withCalls(file, {
              read: async (into, at) => {
                const length = await file.read(into, at)
                believePayloads(path, Buffer.from(into.buffer, into.byteOffset, length), at)
                return length
              },
            })
          : file,
      ),
  },
  {
    name: 'takes the first bytes of a write for all of it',
    files: (files) =>
      withFiles(files, (file, path) =>
        isSegment(path)
          ? withCalls(file, { write: (bytes, at) => file.write(bytes, at).catch(() => {}) })
          : file,
      ),
  },
]
