// One process of the application, started by the command line as its users start it, and treated as they would not.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url))
const OUTPUT_KEPT = 20_000

export type Role = 'intake' | 'worker' | 'agent'

const ARGS: Readonly<Record<Role, readonly string[]>> = {
  intake: ['start', '--roles', 'intake', '--port', '0'],
  worker: ['worker', '--metrics-port', '0'],
  agent: ['agent', '--metrics-port', '0'],
}

/** What a process is told by its environment, and by which configuration of this folder it runs. */
export interface Setting {
  readonly storeUrl: string
  /** Where letters are issued; absent = none are. */
  readonly counterpartUrl?: string
  /** Default: that of the application which is killed and paused. */
  readonly config?: string
  /** Which release of its configuration it is, where there are two. */
  readonly release?: 'old' | 'new'
  /** What else its configuration reads from the environment. */
  readonly variables?: Readonly<Record<string, string>>
}

export interface Exit {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A run of the command line on the application's configuration. */
export class Program {
  readonly pid: number
  readonly ended: Promise<Exit>
  readonly #child: ChildProcess
  #stdout = ''
  #stderr = ''
  #isOver = false
  #onOutput: () => void = () => undefined

  constructor(setting: Setting, args: readonly string[]) {
    if (!existsSync(MAIN))
      throw new Error('The command line is not built: run npm test, or npm run build before.')
    const config = fileURLToPath(new URL(setting.config ?? 'spillway.config.mjs', import.meta.url))
    const child = spawn(process.execPath, [MAIN, ...args, '--config', config], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment(setting),
    })
    this.#child = child
    this.pid = child.pid ?? 0
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = `${this.#stdout}${text}`.slice(-OUTPUT_KEPT)
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = `${this.#stderr}${text}`.slice(-OUTPUT_KEPT)
      this.#onOutput()
    })
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#stderr += String(error)
      })
      child.once('close', (code) => {
        this.#isOver = true
        this.#onOutput()
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
      })
    })
  }

  static serve(setting: Setting, role: Role): Program {
    return new Program(setting, ARGS[role])
  }

  /** What it has logged lately. */
  get log(): string {
    return this.#stderr
  }

  /** Where it listens, once it does; null when it ended before. */
  url(): Promise<string | null> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = /"url":"(http:[^"]+)"/.exec(this.#stderr)
        if (found === null && !this.#isOver) return
        this.#onOutput = () => undefined
        resolve(found?.[1] ?? null)
      }
      this.#onOutput = look
      look()
    })
  }

  /** SIGKILL, SIGSTOP and SIGCONT included. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }
}

/** What the machine of the test says about Spillway must not matter. */
function environment({ storeUrl, counterpartUrl, release, variables }: Setting): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(SPILLWAY_|NODE_OPTIONS)/.test(name))
  return {
    ...Object.fromEntries(inherited),
    FAULTS_STORE_URL: storeUrl,
    ...(counterpartUrl !== undefined && { FAULTS_COUNTERPART_URL: counterpartUrl }),
    ...(release !== undefined && { FAULTS_RELEASE: release }),
    ...variables,
  }
}
