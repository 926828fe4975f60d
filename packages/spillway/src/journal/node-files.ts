// The real disk. Raw descriptors with callbacks: on the path of every group a FileHandle costs more than the write itself.

import {
  close,
  fdatasync,
  fsync,
  ftruncate,
  mkdir,
  open,
  read,
  readdir,
  rename,
  rmdir,
  stat,
  statfs,
  unlink,
  utimes,
  write,
} from 'node:fs'
import type { FileInfo, FileMode, Files, OpenFile } from '../ports/index.js'
import { isMissing } from './disk-error.js'

const FLAGS = { read: 'r', create: 'wx+', update: 'r+' } as const satisfies Record<FileMode, string>
const MS_PER_S = 1_000
/** Only the process's own user reads what commands say. */
const FILE_PERMISSIONS = 0o600
const FOLDER_PERMISSIONS = 0o700

type Callback = (error: Error | null) => void

function done(call: (callback: Callback) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => (error === null ? resolve() : reject(error)))
  })
}

function answer<T>(call: (callback: (error: Error | null, value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error === null ? resolve(value) : reject(error)))
  })
}

class NodeFile implements OpenFile {
  readonly #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    let length = 0
    while (length < into.length) {
      const bytes = await this.#readOnce(into, length, at + length)
      if (bytes === 0) break
      length += bytes
    }
    return length
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    let length = 0
    while (length < bytes.length) length += await this.#writeOnce(bytes, length, at + length)
  }

  truncate(bytes: number): Promise<void> {
    return done((callback) => ftruncate(this.#fd, bytes, callback))
  }

  sync(): Promise<void> {
    return done((callback) => fdatasync(this.#fd, callback))
  }

  close(): Promise<void> {
    return done((callback) => close(this.#fd, callback))
  }

  #readOnce(into: Uint8Array, from: number, at: number): Promise<number> {
    return answer((callback) => read(this.#fd, into, from, into.length - from, at, callback))
  }

  /** A short write is no error: what is wrong is said by the next one. */
  #writeOnce(bytes: Uint8Array, from: number, at: number): Promise<number> {
    return answer((callback) => write(this.#fd, bytes, from, bytes.length - from, at, callback))
  }
}

export const nodeFiles: Files = {
  async open(path, mode) {
    return new NodeFile(await openDescriptor(path, FLAGS[mode]))
  },
  list: (folder) => answer((callback) => readdir(folder, callback)),
  async info(path): Promise<FileInfo | null> {
    try {
      const info = await answer<import('node:fs').Stats>((callback) => stat(path, callback))
      return { isFolder: info.isDirectory(), bytes: info.size, modifiedAt: info.mtimeMs }
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  },
  makeFolder: (path) => done((callback) => mkdir(path, FOLDER_PERMISSIONS, callback)),
  rename: (from, to) => done((callback) => rename(from, to, callback)),
  remove: (path) => done((callback) => unlink(path, callback)),
  removeFolder: (path) => done((callback) => rmdir(path, callback)),
  async syncFolder(path) {
    const fd = await openDescriptor(path, 'r')
    try {
      await done((callback) => fsync(fd, callback))
    } finally {
      await done((callback) => close(fd, callback))
    }
  },
  touch: (path, at) => done((callback) => utimes(path, at / MS_PER_S, at / MS_PER_S, callback)),
  async freeBytes(path) {
    const { bavail, bsize } = await answer<import('node:fs').StatsFs>((callback) => statfs(path, callback))
    return bavail * bsize
  },
}

function openDescriptor(path: string, flags: string): Promise<number> {
  return answer((callback) => open(path, flags, FILE_PERMISSIONS, callback))
}
