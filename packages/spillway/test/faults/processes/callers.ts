// The callers' process, as the test that started it sees it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import type { Answered, Submitted } from '../../../src/testing/checker/index.js'
import { JITI, readLog } from './logging-process.js'
import { PATIENCE } from './patience.js'

const CALLER = fileURLToPath(new URL('./caller-process.ts', import.meta.url))

/** What is sent, and how fast. */
export interface CallerTraffic {
  /** Commands a caller sends at once, at most. Default 32. */
  readonly batchMax?: number
  /** After every call. Default 10. */
  readonly pauseMs?: number
  /** A letter comes with every so many calls; 0 = none, the default. */
  readonly letterEvery?: number
}

export class Callers {
  /** Commands that were acknowledged so far. */
  acknowledged = 0
  readonly #child: ChildProcess
  readonly #path: string
  readonly #ended: Promise<number | null>
  #errors = ''

  constructor(folder: string, run: number, traffic: CallerTraffic = {}) {
    this.#path = join(folder, `callers-${run}.log`)
    const child = spawn(process.execPath, [JITI, CALLER, this.#path, String(run), JSON.stringify(traffic)], {
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
    return await readLog(this.#path)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}
