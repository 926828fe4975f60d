// A disk that fills up: a small file system in memory, mounted where only the server sees it, so that it is gone with the
// server whatever happens. Needs root, and a container that lets root mount.

import { spawnSync } from 'node:child_process'
import type { RunAs } from './run-as.js'

export interface SmallDisk {
  readonly path: string
  readonly bytes: number
}

const MOUNT_AND_RUN = `
mkdir -p "$1" &&
mount -t tmpfs -o "size=$2,uid=$3,gid=$4,mode=700" spillway-small-disk "$1" &&
uid=$3 gid=$4 && shift 4 &&
exec setpriv --reuid="$uid" --regid="$gid" --clear-groups "$@"
`

/** The command that mounts the disk and becomes the server; to be started as root. */
export function onSmallDisk(
  { path, bytes }: SmallDisk,
  user: RunAs,
  command: readonly string[],
): readonly string[] {
  const parameters = [path, bytes, user.uid, user.gid].map(String)
  return ['unshare', '--mount', 'sh', '-c', MOUNT_AND_RUN, 'sh', ...parameters, ...command]
}

/** Why there can be no small disk here, or null. */
export function missingSmallDisk(): string | null {
  if (process.getuid?.() !== 0) return 'a small disk needs root'
  const { status } = spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'spillway-small-disk', '/mnt'])
  return status === 0 ? null : 'a small disk needs a machine or container in which root may mount'
}
