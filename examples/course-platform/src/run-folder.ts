// Where a run keeps its databases, journals and notes: files on the disk that holds the example, not in the system's temporary
// folder, which is often memory and would make every durable commit look free; or databases of its own on the server of
// `--store`. All of it is gone when the run ends.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Site } from './site.js'
import { type Places, placesOn } from './storage/index.js'

const DATA = fileURLToPath(new URL('../.data', import.meta.url))

export interface RunFolder {
  /** Of this run alone. */
  readonly name: string
  /** Path of a file in the folder. */
  file(name: string): string
  /** Location of a new database: a file of the folder, or a URL. */
  database(name: string): Promise<string>
  /** A site around a database; `broker`: a URL. */
  site(name: string, database: string, broker?: string | null): Site
  remove(): Promise<void>
}

/** `server`: URL of the server for the databases; null for SQLite files in the folder. */
export function makeRunFolder(server: string | null = null): RunFolder {
  mkdirSync(DATA, { recursive: true })
  const path = mkdtempSync(join(DATA, 'run-'))
  const run = basename(path).replace('run-', '')
  const places = server === null ? filesIn(path) : onServer(server, run)
  return {
    name: run,
    file: (name) => join(path, name),
    database: (name) => places.make(name),
    site: (name, database, broker = null) => ({
      ...{ database, broker },
      prefix: `clicks-${run}-${name}-`,
      spool: join(path, `${name}.spool`),
    }),
    async remove() {
      await places.remove()
      rmSync(path, { recursive: true, force: true })
    },
  }
}

function filesIn(folder: string): Places {
  return { make: async (name) => join(folder, `${name}.db`), remove: async () => {} }
}

function onServer(url: string, run: string): Places {
  let places: Promise<Places> | null = null
  return {
    async make(name) {
      places ??= placesOn(url, run)
      return (await places).make(name)
    },
    remove: async () => (await places)?.remove(),
  }
}
