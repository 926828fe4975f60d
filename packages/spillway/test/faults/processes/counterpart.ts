// The counterpart's process, as the test that started it sees it, and what it is asked and writes down.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { JITI, readLog } from './logging-process.js'

const COUNTERPART = fileURLToPath(new URL('./counterpart-process.ts', import.meta.url))

/** What befalls a letter: `unheard` is issued and the answer lost, `later` is completed by the counterpart. */
export const FATES = ['issued', 'unheard', 'refused', 'busy', 'later'] as const
export type Fate = (typeof FATES)[number]

export interface LetterRequest {
  /** The command's. */
  readonly id: string
  readonly fate: Fate
  /** JSON text of the command's payload. */
  readonly payload: string
  readonly token: string
}

export type CounterpartEvent =
  | { readonly kind: 'asked' | 'undone'; readonly id: string }
  | { readonly kind: 'issued'; readonly id: string; readonly payload: string }
  | { readonly kind: 'told'; readonly callback: string; readonly body: string }
  | { readonly kind: 'completed' }

export class Counterpart {
  readonly url: string
  readonly #child: ChildProcess
  readonly #path: string

  static async start(folder: string): Promise<Counterpart> {
    const path = join(folder, 'counterpart.log')
    const child = spawn(process.execPath, [JITI, COUNTERPART, path], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [url] = await once(createInterface({ input: child.stdout }), 'line')
    return new Counterpart(child, path, String(url))
  }

  private constructor(child: ChildProcess, path: string, url: string) {
    this.#child = child
    this.#path = path
    this.url = url
  }

  tell(name: string, url: string): void {
    this.#child.stdin?.write(`intake ${name} ${url}\n`)
  }

  tellGone(name: string): void {
    this.#child.stdin?.write(`gone ${name}\n`)
  }

  /** What it has done so far, in order. */
  events(): Promise<readonly CounterpartEvent[]> {
    return readLog(this.#path)
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'close')
    if (this.#child.exitCode !== null || !this.#child.kill('SIGKILL')) return
    await ended
  }
}
