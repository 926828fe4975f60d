// A file or a folder of a simulated disk, each twice: as processes see it, and as the disk would have it if the power went now. What lies
// between the two are the changes nobody has synced yet.

/** A change of a file's content that is not safe yet. */
export type Change =
  | { readonly kind: 'write'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly bytes: number }

export interface FileNode {
  readonly kind: 'file'
  /** Replaced by every change, never changed itself: images share it. */
  content: Uint8Array
  durable: Uint8Array
  changes: Change[]
  modifiedAt: number
}

export interface FolderNode {
  readonly kind: 'folder'
  readonly names: Map<string, DiskNode>
  readonly durable: Map<string, DiskNode>
  modifiedAt: number
}

export type DiskNode = FileNode | FolderNode

/** A change of names that is not safe yet. A rename happens wholly or not at all. */
export type NameChange =
  | { readonly kind: 'link'; readonly folder: FolderNode; readonly name: string; readonly node: DiskNode }
  | { readonly kind: 'unlink'; readonly folder: FolderNode; readonly name: string }
  | {
      readonly kind: 'rename'
      readonly folder: FolderNode
      readonly name: string
      readonly toFolder: FolderNode
      readonly toName: string
      readonly node: DiskNode
    }

export function newFile(content: Uint8Array, at: number): FileNode {
  return { kind: 'file', content, durable: content, changes: [], modifiedAt: at }
}

export function newFolder(at: number): FolderNode {
  return { kind: 'folder', names: new Map(), durable: new Map(), modifiedAt: at }
}

export function applied(content: Uint8Array, change: Change): Uint8Array {
  const length =
    change.kind === 'truncate' ? change.bytes : Math.max(content.length, change.at + change.bytes.length)
  const result = new Uint8Array(length)
  result.set(content.subarray(0, length))
  if (change.kind === 'write') result.set(change.bytes, change.at)
  return result
}

export function applyName(names: (folder: FolderNode) => Map<string, DiskNode>, change: NameChange): void {
  if (change.kind === 'link') names(change.folder).set(change.name, change.node)
  else names(change.folder).delete(change.name)
  if (change.kind === 'rename') names(change.toFolder).set(change.toName, change.node)
}

export function touches(change: NameChange, folder: FolderNode): boolean {
  return change.folder === folder || (change.kind === 'rename' && change.toFolder === folder)
}
