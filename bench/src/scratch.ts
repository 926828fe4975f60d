// Databases of the benchmark live on the disk that holds the project, not in the system's temporary folder, which is
// often memory and would make every durable commit look free.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../.data', import.meta.url))

export interface Scratch {
  /** A path that was not given before. */
  newFile(): string
  /** Deletes what was made so far, so that rounds do not fill the disk. */
  sweep(): void
  remove(): void
}

export function makeScratch(): Scratch {
  mkdirSync(ROOT, { recursive: true })
  const path = mkdtempSync(join(ROOT, 'run-'))
  let files = 0
  return {
    newFile: () => join(path, `${++files}.db`),
    sweep() {
      rmSync(path, { recursive: true, force: true })
      mkdirSync(path)
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
