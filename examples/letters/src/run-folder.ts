// Where a run keeps its database and the witnesses their notes: on the disk that holds the example, not in the system's
// temporary folder, which is often memory. All of it is gone when the run ends, also what it made on a server.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ServerDatabase } from './stores/server-database.js'

const DATA = fileURLToPath(new URL('../.data', import.meta.url))

export class RunFolder {
  readonly #path: string
  #onServer: ServerDatabase | null = null

  constructor() {
    mkdirSync(DATA, { recursive: true })
    this.#path = mkdtempSync(join(DATA, 'run-'))
  }

  file(name: string): string {
    return join(this.#path, name)
  }

  /** Location of the run's database: a file of this folder, or one of its own on the server behind `url`. */
  async database(url: string | null): Promise<string> {
    if (url === null) return this.file('letters.db')
    const { makeServerDatabase } = await import('./stores/server-database.js')
    this.#onServer = await makeServerDatabase(url, basename(this.#path).replace('run-', ''))
    return this.#onServer.url
  }

  async remove(): Promise<void> {
    const database = this.#onServer
    this.#onServer = null
    rmSync(this.#path, { recursive: true, force: true })
    await database?.drop()
  }
}
