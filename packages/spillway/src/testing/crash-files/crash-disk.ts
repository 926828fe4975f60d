// A disk in memory that knows what would be left of it: the Files port, where everything that was not synced is kept apart, and faults
// happen when the test says so. `crash-image.ts` makes the disks that a power cut can leave behind.

import { basename, dirname } from 'node:path'
import type { FileFault, FileInfo, FileMode, Files, OpenFile, Random } from '../../ports/index.js'
import {
  applied,
  applyName,
  type Change,
  type DiskNode,
  type FileNode,
  type FolderNode,
  type NameChange,
  newFile,
  newFolder,
  touches,
} from './disk-node.js'

export interface CrashDiskOptions {
  /** Decides what a fault leaves, and how operations of several callers interleave. */
  readonly random: Random
  readonly now: () => number
  /** Turns of other callers that an operation may wait for. Default 0. */
  readonly turnsMax?: number
  /** Called after every change of the disk, in the middle of writes as well. */
  readonly onChange?: () => void
}

/** What goes wrong from now on; changed at any time. */
export interface DiskFaults {
  /** Bytes that files may hold together. */
  capacity: number
  /** Probability that a sync of a file fails, after which what it should have made safe is lost or not. */
  syncFails: number
  /** Probability that a write fails with EIO, after any part of it. */
  writeFails: number
}

/** Room that a name takes. */
const NAME_BYTES = 64

export class CrashDisk implements Files {
  readonly root: FolderNode
  readonly faults: DiskFaults = { capacity: Number.POSITIVE_INFINITY, syncFails: 0, writeFails: 0 }
  readonly #options: CrashDiskOptions
  #nameChanges: NameChange[] = []
  #changes = 0

  constructor(options: CrashDiskOptions, root?: FolderNode) {
    this.#options = options
    this.root = root ?? newFolder(options.now())
  }

  /** Changes so far. */
  get changes(): number {
    return this.#changes
  }

  /** Names and contents, as processes see them. */
  get usedBytes(): number {
    return usedBytes(this.root)
  }

  get nameChanges(): readonly NameChange[] {
    return this.#nameChanges
  }

  async open(path: string, mode: FileMode): Promise<OpenFile> {
    await this.#turns()
    const folder = this.#folder(dirname(path))
    const name = basename(path)
    const existing = folder.names.get(name)
    if (mode !== 'create') {
      if (existing === undefined) throw fault('ENOENT', path)
      if (existing.kind === 'folder') throw fault('EISDIR', path)
      return new CrashFile(this, existing)
    }
    if (existing !== undefined) throw fault('EEXIST', path)
    this.#takeRoom(path)
    const node = newFile(new Uint8Array(0), this.#options.now())
    this.#changeName({ kind: 'link', folder, name, node })
    return new CrashFile(this, node)
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#turns()
    return [...this.#folder(path).names.keys()]
  }

  async info(path: string): Promise<FileInfo | null> {
    await this.#turns()
    const node = this.#find(path)
    if (node === undefined) return null
    const isFolder = node.kind === 'folder'
    return { isFolder, bytes: isFolder ? 0 : node.content.length, modifiedAt: node.modifiedAt }
  }

  async makeFolder(path: string): Promise<void> {
    await this.#turns()
    const folder = this.#folder(dirname(path))
    const name = basename(path)
    if (folder.names.has(name)) throw fault('EEXIST', path)
    this.#takeRoom(path)
    this.#changeName({ kind: 'link', folder, name, node: newFolder(this.#options.now()) })
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#turns()
    const [folder, toFolder] = [this.#folder(dirname(from)), this.#folder(dirname(to))]
    const [name, toName] = [basename(from), basename(to)]
    const node = folder.names.get(name)
    if (node === undefined) throw fault('ENOENT', from)
    this.#changeName({ kind: 'rename', folder, name, toFolder, toName, node })
  }

  async remove(path: string): Promise<void> {
    await this.#turns()
    const folder = this.#folder(dirname(path))
    const node = folder.names.get(basename(path))
    if (node === undefined) throw fault('ENOENT', path)
    if (node.kind === 'folder') throw fault('EISDIR', path)
    this.#changeName({ kind: 'unlink', folder, name: basename(path) })
  }

  async removeFolder(path: string): Promise<void> {
    await this.#turns()
    if (this.#folder(path).names.size > 0) throw fault('ENOTEMPTY', path)
    this.#changeName({ kind: 'unlink', folder: this.#folder(dirname(path)), name: basename(path) })
  }

  async syncFolder(path: string): Promise<void> {
    await this.#turns()
    const folder = this.#folder(path)
    for (const change of this.#nameChanges)
      if (touches(change, folder)) applyName(({ durable }) => durable, change)
    this.#nameChanges = this.#nameChanges.filter((change) => !touches(change, folder))
    this.changed()
  }

  async touch(path: string, at: number): Promise<void> {
    await this.#turns()
    const node = this.#find(path)
    if (node === undefined) throw fault('ENOENT', path)
    node.modifiedAt = at
  }

  async freeBytes(path: string): Promise<number> {
    await this.#turns()
    if (this.#find(path) === undefined) throw fault('ENOENT', path)
    return Math.max(0, this.faults.capacity - this.usedBytes)
  }

  /** Some of it, then the rest: others may look in between. Without room, or with bad luck, the rest never comes. */
  async write(node: FileNode, bytes: Uint8Array, at: number): Promise<void> {
    await this.#turns()
    const growth = Math.max(0, at + bytes.length - node.content.length)
    const lacking = Math.max(0, this.usedBytes + growth - this.faults.capacity)
    const isFailing = this.chance(this.faults.writeFails)
    const room = isFailing
      ? Math.floor(this.#options.random() * bytes.length)
      : Math.max(0, bytes.length - lacking)
    const first = this.chance(0.5) ? Math.floor(this.#options.random() * room) : room
    this.#change(node, { kind: 'write', at, bytes: bytes.slice(0, first) })
    await this.#turns()
    if (first < room) this.#change(node, { kind: 'write', at: at + first, bytes: bytes.slice(first, room) })
    if (isFailing) throw fault('EIO', 'write')
    if (room < bytes.length) throw fault('ENOSPC', 'write')
  }

  async truncate(node: FileNode, bytes: number): Promise<void> {
    await this.#turns()
    this.#change(node, { kind: 'truncate', bytes })
  }

  /** What a failed sync did not write is never written: the pages count as clean from then on. */
  async sync(node: FileNode): Promise<void> {
    await this.#turns()
    const isFailing = node.changes.length > 0 && this.chance(this.faults.syncFails)
    const { changes } = node
    node.changes = []
    for (const change of changes)
      if (!isFailing || this.chance(0.5)) node.durable = applied(node.durable, change)
    this.changed()
    if (isFailing) throw fault('EIO', 'fdatasync')
  }

  chance(probability: number): boolean {
    return probability > 0 && this.#options.random() < probability
  }

  changed(): void {
    this.#changes += 1
    this.#options.onChange?.()
  }

  #change(node: FileNode, change: Change): void {
    if (change.kind === 'write' && change.bytes.length === 0) return
    node.content = applied(node.content, change)
    node.changes.push(change)
    node.modifiedAt = this.#options.now()
    this.changed()
  }

  #changeName(change: NameChange): void {
    applyName(({ names }) => names, change)
    this.#nameChanges.push(change)
    change.folder.modifiedAt = this.#options.now()
    this.changed()
  }

  #takeRoom(path: string): void {
    if (this.usedBytes + NAME_BYTES > this.faults.capacity) throw fault('ENOSPC', path)
  }

  async #turns(): Promise<void> {
    const { turnsMax = 0, random } = this.#options
    if (turnsMax === 0) return
    for (let turns = Math.floor(random() * (turnsMax + 1)); turns > 0; turns -= 1) await null
  }

  #folder(path: string): FolderNode {
    const node = this.#find(path)
    if (node === undefined) throw fault('ENOENT', path)
    if (node.kind === 'file') throw fault('ENOTDIR', path)
    return node
  }

  #find(path: string): DiskNode | undefined {
    let node: DiskNode | undefined = this.root
    for (const name of path.split('/')) {
      if (name === '') continue
      if (node?.kind !== 'folder') return undefined
      node = node.names.get(name)
    }
    return node
  }
}

/** A file stays what it is while it is open, also when its name goes to another one. */
class CrashFile implements OpenFile {
  readonly #disk: CrashDisk
  readonly #node: FileNode

  constructor(disk: CrashDisk, node: FileNode) {
    this.#disk = disk
    this.#node = node
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    await null
    const piece = this.#node.content.subarray(at, at + into.length)
    into.set(piece)
    return piece.length
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.#disk.write(this.#node, bytes, at)
  }

  truncate(bytes: number): Promise<void> {
    return this.#disk.truncate(this.#node, bytes)
  }

  sync(): Promise<void> {
    return this.#disk.sync(this.#node)
  }

  async close(): Promise<void> {
    await null
  }
}

function usedBytes(node: DiskNode): number {
  if (node.kind === 'file') return node.content.length + NAME_BYTES
  let bytes = NAME_BYTES
  for (const child of node.names.values()) bytes += usedBytes(child)
  return bytes
}

function fault(code: string, path: string): FileFault {
  return Object.assign(new Error(`${code}: simulated, ${path}`), { code })
}
