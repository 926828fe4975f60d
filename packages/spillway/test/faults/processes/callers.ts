// The callers' process, as the test that started it sees it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import type { Answered, Submitted } from '../../../src/testing/checker/index.js'
import { PATIENCE } from './patience.js'

const CALLER = fileURLToPath(new URL('./caller-process.ts', import.meta.url))
const JITI = fileURLToPath(import.meta.resolve('jiti/package.json')).replace(
  'package.json',
  'lib/jiti-cli.mjs',
)

export class Callers {
  /** Commands that were acknowledged so far. */
  acknowledged = 0
  readonly #child: ChildProcess
  readonly #path: string
  readonly #ended: Promise<number | null>
  #errors = ''

  constructor(folder: string, run: number) {
    this.#path = join(folder, `callers-${run}.log`)
    const child = spawn(process.execPath, [JITI, CALLER, this.#path, String(run)], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.#child = child
    this.#ended = once(child, 'close').then(([code]) => code as number | null)
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.acknowledged = Number(line.split(' ')[1])
    })
  }

  /** Where an intake is, in place of the one that had its name before. */
  tell(name: string, url: string): void {
    this.#child.stdin?.write(`intake ${name} ${url}\n`)
  }

  tellGone(name: string): void {
    this.#child.stdin?.write(`gone ${name}\n`)
  }

  /** Resolves when so many more commands were acknowledged than at the moment. */
  async untilMore(commands: number): Promise<void> {
    const target = this.acknowledged + commands
    await vi.waitFor(() => {
      if (this.acknowledged < target) throw new Error(`${this.acknowledged} of ${target} were acknowledged`)
    }, PATIENCE)
  }

  /** Has them finish what they began. What they asked for and what they were told, in order. */
  async finish(): Promise<readonly (Submitted | Answered)[]> {
    this.#child.stdin?.write('stop\n')
    const code = await this.#ended
    if (code !== 0) throw new Error(`the callers ended with ${code}: ${this.#errors}`)
    const text = await readFile(this.#path, 'utf8')
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
