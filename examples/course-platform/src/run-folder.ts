// Where a run keeps its databases: on the disk that holds the example, not in the system's temporary folder, which is
// often memory and would make every durable commit look free.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const DATA = fileURLToPath(new URL('../.data', import.meta.url))

export interface RunFolder {
  /** Path of a file in the folder. */
  file(name: string): string
  remove(): void
}

export function makeRunFolder(): RunFolder {
  mkdirSync(DATA, { recursive: true })
  const path = mkdtempSync(join(DATA, 'run-'))
  return {
    file: (name) => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
