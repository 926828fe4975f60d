// The built command line as a real process.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
/** Nothing here takes so long on any machine; a process that hangs must not outlive its test. */
const LIFE_MS_MAX = 110_000
/** Of tests that start several processes, one after the other. */
export const PROCESSES_MS_MAX = 120_000

export interface RunOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** The command line of another copy of the package. */
  readonly main?: string
}

export class Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string

  constructor(code: number | null, stdout: string, stderr: string) {
    this.code = code
    this.stdout = stdout
    this.stderr = stderr
  }

  /** Standard output as one JSON value. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into values of every shape
  get json(): any {
    return JSON.parse(this.stdout)
  }

  /** Standard output as one JSON value per line. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into values of every shape
  get rows(): any[] {
    const lines = this.stdout.split('\n').filter(Boolean)
    return lines.map((line) => JSON.parse(line))
  }
}

export class Program {
  readonly process: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  #stdout = ''
  #stderr = ''
  #isOver = false

  constructor(args: readonly string[], { cwd, env = {}, input, main = MAIN }: RunOptions) {
    if (!existsSync(main))
      throw new Error('The command line is not built: run npm test, or npm run build before.')
    this.process = spawn(process.execPath, [main, ...args], {
      cwd,
      env: cleanEnvironment(env),
      timeout: LIFE_MS_MAX,
    })
    this.process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
    })
    this.process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
    })
    // A process that ends without reading its input is not an error.
    this.process.stdin.on('error', () => {})
    if (input !== undefined) this.process.stdin.end(input)
    this.ended = new Promise((resolve) => {
      this.process.on('close', (code) => {
        this.#isOver = true
        resolve(new Ended(code, this.#stdout, this.#stderr))
      })
    })
  }

  /** Resolves with the match once either output has it. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout) ?? pattern.exec(this.#stderr)
      if (match !== null) return match
      if (this.#isOver) throw new Error(`It ended without ${pattern}:\n${this.#stdout}\n${this.#stderr}`)
      await new Promise<void>((resolve) => {
        this.process.stdout.once('data', () => resolve())
        this.process.stderr.once('data', () => resolve())
        this.process.once('close', () => resolve())
      })
    }
  }

  signal(name: 'SIGINT' | 'SIGTERM'): this {
    this.process.kill(name)
    return this
  }
}

export function run(args: readonly string[], options: RunOptions): Promise<Ended> {
  return new Program(args, { input: '', ...options }).ended
}

/** What the machine of the test says about Spillway or colours must not matter. */
function cleanEnvironment(added: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(SPILLWAY_|NO_COLOR|FORCE_COLOR|NODE_OPTIONS|DATABASE_URL)/.test(name),
  )
  return { ...Object.fromEntries(inherited), ...added }
}
