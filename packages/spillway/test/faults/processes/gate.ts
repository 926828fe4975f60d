// Where a slow handler stands until a test lets it go on: a path in a folder. Whoever comes to it leaves a file with the number of its
// process; the file of the path itself opens it.

import { readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { vi } from 'vitest'
import { PATIENCE } from './patience.js'

export class Gate {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Processes that came to it. */
  get pids(): readonly number[] {
    const start = `${basename(this.path)}.`
    return readdirSync(dirname(this.path))
      .filter((name) => name.startsWith(start))
      .map((name) => Number(name.slice(start.length)))
  }

  open(): void {
    writeFileSync(this.path, '')
  }

  /** The process that came, or one that came besides. */
  untilSomebodyComes(besides: number | null = null): Promise<number> {
    return vi.waitFor(() => {
      const pid = this.pids.find((each) => each !== besides)
      if (pid === undefined) throw new Error(`nobody came to ${basename(this.path)}`)
      return pid
    }, PATIENCE)
  }
}
