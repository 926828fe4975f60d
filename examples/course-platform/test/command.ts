// The demo as its user runs it: the compiled program in a process of its own, from a folder that is not its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export function startDemo(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const closed = once(child, 'close')
  return {
    /** Resolves when the output so far contains `text`; rejects when the program ends without it. */
    async prints(text: string): Promise<void> {
      while (!stdout.includes(text)) {
        const ended = await Promise.race([
          once(child.stdout, 'data').then(() => false),
          closed.then(() => true),
        ])
        if (ended && !stdout.includes(text)) throw new Error(`ended without '${text}': ${stderr}`)
      }
    },
    output: () => stdout,
    interrupt: () => child.kill('SIGINT'),
    async finished(): Promise<Finished> {
      await closed
      return { exitCode: child.exitCode, stdout, stderr }
    },
  }
}

export function runDemo(...args: readonly string[]): Promise<Finished> {
  return startDemo(...args).finished()
}
