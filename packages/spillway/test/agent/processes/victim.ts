// A process that is killed on purpose, and what it said until then.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const BUILT = fileURLToPath(new URL('../../../dist/agent/index.js', import.meta.url))

export class Victim {
  readonly ended: Promise<number | null>
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #onLine: (line: string) => void
  #rest = ''
  #stderr = ''
  #lines = 0
  #isOver = false
  #look: () => void = () => undefined

  constructor(
    program: 'writer' | 'agent' | 'draining-agent',
    args: readonly string[],
    onLine: (line: string) => void,
  ) {
    if (!existsSync(BUILT))
      throw new Error('The package is not built: run npm test, or npm run build before.')
    const path = fileURLToPath(new URL(`${program}.mjs`, import.meta.url))
    this.#onLine = onLine
    this.#child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => this.#take(text))
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    this.ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        this.#isOver = true
        this.#look()
        resolve(code)
      })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Resolves once it has said so many lines. */
  async says(lines: number): Promise<void> {
    while (this.#lines < lines) {
      if (this.#isOver) throw new Error(`It ended by itself: ${this.#stderr}`)
      await new Promise<void>((resolve) => {
        this.#look = resolve
      })
    }
  }

  /** With SIGKILL unless told otherwise; resolves to its exit code once all it said was heard. */
  kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.#child.kill(signal)
    return this.ended
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#onLine(line)
    this.#lines += lines.length
    this.#look()
  }
}
