// The disks that a crash can leave behind. When only the process dies, everything it wrote is there. When the power goes, what was synced is
// there, and of everything else any part: a change may be missing although a later one is there, a write may be torn at any byte, or its
// length be there without its bytes.

import type { Random } from '../../ports/index.js'
import type { CrashDisk } from './crash-disk.js'
import { CrashDisk as Disk } from './crash-disk.js'
import {
  applied,
  applyName,
  type Change,
  type DiskNode,
  type FileNode,
  type FolderNode,
  newFile,
  newFolder,
} from './disk-node.js'

/** `killed`: the process is gone. `dark`: so is everything that was not synced. `subset`: some of that is there. */
export type CrashKind = 'killed' | 'dark' | 'subset'

export function crashImage(disk: CrashDisk, kind: CrashKind, random: Random): CrashDisk {
  const names = kind === 'killed' ? volatileNames : survivingNames(disk, kind, random)
  const content = (file: FileNode): Uint8Array =>
    kind === 'killed' ? file.content : survivingContent(file, kind, random)
  const root = copied(disk.root, names, content)
  return new Disk({ random, now: () => 0 }, root)
}

/** Flips one bit somewhere in the files whose path matches. Returns the path, or null when there is nothing to flip. */
export function flipBit(image: CrashDisk, matches: RegExp, random: Random): string | null {
  const files = filesOf(image.root, '').filter(
    ([path, { content }]) => matches.test(path) && content.length > 0,
  )
  const [path, file] = files[Math.floor(random() * files.length)] ?? []
  if (path === undefined || file === undefined) return null
  const content = file.content.slice()
  const at = Math.floor(random() * content.length)
  content[at] = (content[at] as number) ^ (1 << Math.floor(random() * 8))
  file.content = content
  file.durable = content
  return path
}

type Names = (folder: FolderNode) => ReadonlyMap<string, DiskNode>

const volatileNames: Names = ({ names }) => names

function survivingNames(disk: CrashDisk, kind: CrashKind, random: Random): Names {
  const changed = new Map<FolderNode, Map<string, DiskNode>>()
  const namesOf = (folder: FolderNode): Map<string, DiskNode> => {
    const names = changed.get(folder) ?? new Map(folder.durable)
    changed.set(folder, names)
    return names
  }
  if (kind === 'subset') for (const change of disk.nameChanges) if (random() < 0.5) applyName(namesOf, change)
  return (folder) => changed.get(folder) ?? folder.durable
}

function survivingContent(file: FileNode, kind: CrashKind, random: Random): Uint8Array {
  if (kind === 'dark') return file.durable
  let content = file.durable
  for (const change of file.changes) {
    const survivor = survivingChange(change, random)
    if (survivor !== null) content = applied(content, survivor)
  }
  return content
}

function survivingChange(change: Change, random: Random): Change | null {
  const luck = random()
  if (luck < 0.35) return null
  if (luck < 0.65 || change.kind === 'truncate') return change
  const { at, bytes } = change
  if (luck < 0.9) return { kind: 'write', at, bytes: bytes.slice(0, Math.floor(random() * bytes.length)) }
  return { kind: 'write', at, bytes: new Uint8Array(bytes.length) }
}

function copied(folder: FolderNode, names: Names, content: (file: FileNode) => Uint8Array): FolderNode {
  const copy = newFolder(folder.modifiedAt)
  for (const [name, node] of names(folder)) {
    const child =
      node.kind === 'file' ? newFile(content(node), node.modifiedAt) : copied(node, names, content)
    copy.names.set(name, child)
    copy.durable.set(name, child)
  }
  return copy
}

function filesOf(folder: FolderNode, path: string): [string, FileNode][] {
  return [...folder.names].flatMap(([name, node]): [string, FileNode][] =>
    node.kind === 'file' ? [[`${path}/${name}`, node]] : filesOf(node, `${path}/${name}`),
  )
}
