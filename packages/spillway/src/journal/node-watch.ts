// The operating system's word that a folder changed.

import { watch } from 'node:fs'
import type { WatchFolder } from '../ports/index.js'

/** A folder that cannot be watched gives no hints, which is allowed: whoever listens polls as well. */
export const watchFolder: WatchFolder = (folder, onChange) => {
  try {
    const watcher = watch(folder, { persistent: false }, () => onChange())
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => {}
  }
}
