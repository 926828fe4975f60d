// A witness's own notes: one JSON line per fact, on disk before anybody is told. Facts that come while a sync is under way
// share the next one.

import { readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

export class DurableLog<Fact> {
  readonly #file: FileHandle
  #gathered: string[] = []
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | null = null

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open<Fact>(path: string): Promise<DurableLog<Fact>> {
    return new DurableLog<Fact>(await open(path, 'a'))
  }

  /** Resolves once the fact is on disk. */
  note(fact: Fact): Promise<void> {
    this.#gathered.push(`${JSON.stringify(fact)}\n`)
    this.#next ??= this.#writing.then(() => this.#write())
    return this.#next
  }

  async close(): Promise<void> {
    await this.#next
    await this.#writing
    await this.#file.close()
  }

  #write(): Promise<void> {
    const lines = this.#gathered.join('')
    this.#gathered = []
    this.#next = null
    this.#writing = this.#file.appendFile(lines).then(() => this.#file.datasync())
    return this.#writing
  }
}

export function readFacts<Fact>(path: string): Fact[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line) as Fact)
}
