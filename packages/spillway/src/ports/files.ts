// The local disk as the journal sees it, with what makes the difference between written and safe spelled out: contents become safe by
// `sync` of the file, names by `syncFolder` of the folder that holds them. A simulation implements it to cut the power at every step.

import type { Cancel } from './clock.js'

/** What an operation of Files throws: `code` as the operating system names it (ENOENT, EEXIST, ENOSPC, EIO, ...). */
export interface FileFault extends Error {
  readonly code: string
}

export interface FileInfo {
  readonly isFolder: boolean
  readonly bytes: number
  /** ms since the epoch. */
  readonly modifiedAt: number
}

/**
 * `read`: what exists, for reading. `create`: a new file for reading and writing, EEXIST when the name is taken. `update`: what exists, for
 * both.
 */
export type FileMode = 'read' | 'create' | 'update'

export interface OpenFile {
  /** Fills `into` from position `at` on, as far as the file goes. Returns how many bytes that were. */
  read(into: Uint8Array, at: number): Promise<number>
  /** All of it or a throw, after which any part of it may be there. */
  write(bytes: Uint8Array, at: number): Promise<void>
  truncate(bytes: number): Promise<void>
  /** Contents and size are safe once it resolves. A throw means that what was not safe before may be lost, whatever a later call says. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Files {
  open(path: string, mode: FileMode): Promise<OpenFile>
  /** Names in a folder, in no order. */
  list(folder: string): Promise<readonly string[]>
  /** Null when there is nothing of that name. */
  info(path: string): Promise<FileInfo | null>
  /** One folder, not its parents; EEXIST when the name is taken. */
  makeFolder(path: string): Promise<void>
  /** Replaces what has the new name. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Must be empty. */
  removeFolder(path: string): Promise<void>
  /** The names in it are safe once it resolves. */
  syncFolder(path: string): Promise<void>
  /** Sets when it was modified. */
  touch(path: string, at: number): Promise<void>
  /** Bytes that this process may still write to the disk of a path. */
  freeBytes(path: string): Promise<number>
}

/** Calls `onChange` after something in the folder changed. Hints may be lost, merged or spurious; whoever listens also polls. */
export type WatchFolder = (folder: string, onChange: () => void) => Cancel
