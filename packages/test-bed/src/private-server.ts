// A private instance of a server, on a loopback port, in a temporary folder, that tests may treat as badly as they like.

import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freeLoopbackPort } from './loopback-port.js'
import { continueTree, isRunning, killTree, signal, stopTree } from './process-tree.js'
import { type RunAs, removeScratchFolder } from './run-as.js'
import { onSmallDisk, type SmallDisk } from './small-disk.js'
import { SupervisedProcess } from './supervised-process.js'
import { until } from './waiting.js'

/** Of a busy machine: only a server that hangs takes longer. */
const READY_TIMEOUT_MS = 55_000
const END_TIMEOUT_MS = 55_000
const PORTS_TRIED_MAX = 5
const LOG_SHOWN_CHARACTERS = 2_000

export interface ServerSpec {
  readonly name: string
  readonly user: RunAs | null
  readonly folder: string
  /** Asked for one port; another is tried when it was taken in between. */
  readonly port: number | undefined
  command(port: number): readonly string[]
  url(port: number): string
  /**
   * Connects to it; rejects while it takes no connections. Goes through a socket in its folder: on the port somebody else might
   * answer.
   */
  connects(port: number): Promise<void>
  /** A small disk of its own, empty after every start. */
  readonly smallDisk?: SmallDisk | null
  /** Asks it to finish in order and not to wait for its clients. */
  readonly stopSignal: NodeJS.Signals
}

export class PrivateServer implements AsyncDisposable {
  readonly name: string
  readonly port: number
  readonly url: string
  /** Its files. Gone after stop(). */
  readonly folder: string
  readonly #spec: ServerSpec
  #process: SupervisedProcess
  #isPaused = false

  protected constructor(spec: ServerSpec, port: number, process: SupervisedProcess) {
    this.name = spec.name
    this.port = port
    this.url = spec.url(port)
    this.folder = spec.folder
    this.#spec = spec
    this.#process = process
  }

  static async start(spec: ServerSpec): Promise<PrivateServer> {
    const [port, process] = await launch(spec)
    return new PrivateServer(spec, port, process)
  }

  /** The id of the server's main process. */
  get pid(): number {
    return this.#process.pid
  }

  /** SIGKILL to the server and all its processes, as a power cut would have it. restart() brings it back. */
  async kill(): Promise<void> {
    if (!this.#process.isRunning) return
    const killed = killTree(this.pid)
    this.#isPaused = false
    await this.#process.ended
    await until(() => !killed.some(isRunning), { what: `${this.name} is gone`, timeoutMs: END_TIMEOUT_MS })
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    stopTree(this.pid)
    this.#isPaused = true
  }

  resume(): void {
    continueTree(this.pid)
    this.#isPaused = false
  }

  /** Ends it in order, if it runs, and starts it again on the same port and data. */
  async restart(): Promise<void> {
    if (this.#isPaused) this.resume()
    if (this.#process.isRunning) signal(this.pid, this.#spec.stopSignal)
    await endInTime(this.#process.ended, this.name)
    await this.#process.release('keep folder')
    this.#process = await startOn(this.#spec, this.port)
  }

  /** Ends it at once and removes its files. */
  async stop(): Promise<void> {
    await this.#process.release('remove folder')
    removeScratchFolder(this.folder)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** What it has logged so far. */
  log(): string {
    return readLog(this.folder)
  }
}

export async function launch(spec: ServerSpec): Promise<[number, SupervisedProcess]> {
  for (let tried = 1; ; tried += 1) {
    const port = spec.port ?? (await freeLoopbackPort())
    try {
      return [port, await startOn(spec, port)]
    } catch (error) {
      if (spec.port !== undefined || tried === PORTS_TRIED_MAX || !portWasTaken(error)) {
        removeScratchFolder(spec.folder)
        throw error
      }
      appendFileSync(logPath(spec.folder), `port ${port} was taken, trying another\n`)
    }
  }
}

async function startOn(spec: ServerSpec, port: number): Promise<SupervisedProcess> {
  const { folder, user } = spec
  const logged = readLog(folder).length
  const { smallDisk = null } = spec
  const command = spec.command(port)
  const process = await SupervisedProcess.start({
    ...{ folder, logPath: logPath(folder) },
    ...(smallDisk === null || user === null
      ? { user, command }
      : { user: null, command: onSmallDisk(smallDisk, user, command) }),
  })
  try {
    await until(async () => !process.isRunning || (await isReady(spec, port)), {
      ...{ what: `${spec.name} is ready`, timeoutMs: READY_TIMEOUT_MS },
    })
    if (!process.isRunning) throw new Error(`${spec.name} ended while starting`)
  } catch (error) {
    const said = readLog(folder).slice(logged).slice(-LOG_SHOWN_CHARACTERS)
    await process.release('keep folder')
    throw new Error(`${error instanceof Error ? error.message : error}; its log:\n${said}`, { cause: error })
  }
  return process
}

async function isReady(spec: ServerSpec, port: number): Promise<boolean> {
  try {
    await spec.connects(port)
    return true
  } catch {
    return false
  }
}

async function endInTime(ended: Promise<void>, name: string): Promise<void> {
  let isEnded = false
  void ended.then(() => {
    isEnded = true
  })
  await until(() => isEnded, { what: `${name} ends in order`, timeoutMs: END_TIMEOUT_MS })
}

function portWasTaken(error: unknown): boolean {
  return /address already in use|bind.*failed|could not bind|could not create listen/i.test(String(error))
}

function logPath(folder: string): string {
  return join(folder, 'server.log')
}

function readLog(folder: string): string {
  const path = logPath(folder)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}
