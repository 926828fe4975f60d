// One server of each kind per test run. Test files run in processes of their own, which come and go; the process that
// runs them all owns the servers, starts each when it is first asked for, and says where it is.

import { chmodSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import type { DatabaseKind } from './environment.js'
import { startMariaDb } from './mariadb.js'
import { startPostgres } from './postgres.js'
import type { PrivateServer } from './private-server.js'
import { startRabbitMq } from './rabbitmq.js'
import { makeScratchFolder, removeScratchFolder } from './run-as.js'

const REQUEST_BYTES_MAX = 100

export type SharedKind = DatabaseKind | 'rabbitmq'

const STARTERS: Readonly<Record<SharedKind, () => Promise<PrivateServer>>> = {
  postgres: () => startPostgres({ fsync: false, settings: { shared_buffers: '128MB' } }),
  mariadb: () => startMariaDb({ fsync: false, settings: { 'innodb-buffer-pool-size': '128M' } }),
  rabbitmq: () => startRabbitMq(),
}

interface Answer {
  readonly url?: string
  readonly error?: string
}

/** Servers that are started when first asked for, and then stay. */
export class SharedServers {
  readonly #started = new Map<SharedKind, Promise<PrivateServer>>()

  async url(kind: SharedKind): Promise<string> {
    const started = this.#started.get(kind) ?? STARTERS[kind]()
    this.#started.set(kind, started)
    return (await started).url
  }

  async stop(): Promise<void> {
    const servers = await Promise.allSettled(this.#started.values())
    this.#started.clear()
    await Promise.all(
      servers.map((server) => (server.status === 'fulfilled' ? server.value.stop() : undefined)),
    )
  }
}

/** Answers the name of a kind of server, one per connection, with its URL. */
export class SharedHost {
  readonly socketPath: string
  readonly #folder: string
  readonly #listener: Server
  readonly #servers = new SharedServers()

  static async open(): Promise<SharedHost> {
    const folder = makeScratchFolder('test-run', null)
    const host = new SharedHost(folder)
    await new Promise<void>((resolve, reject) => {
      host.#listener.once('error', reject)
      host.#listener.listen(host.socketPath, resolve)
    })
    chmodSync(host.socketPath, 0o600)
    host.#listener.unref()
    return host
  }

  private constructor(folder: string) {
    this.#folder = folder
    this.socketPath = join(folder, 'servers.sock')
    this.#listener = createServer((socket) => {
      let request = ''
      socket.on('error', () => socket.destroy())
      socket.on('data', (data) => {
        request += data.toString()
        if (request.length > REQUEST_BYTES_MAX) socket.destroy()
        else if (request.endsWith('\n')) void this.#answer(request.trim()).then((text) => socket.end(text))
      })
    })
  }

  async close(): Promise<void> {
    this.#listener.close()
    await this.#servers.stop()
    removeScratchFolder(this.#folder)
  }

  async #answer(kind: string): Promise<string> {
    const answer: Answer =
      kind in STARTERS
        ? await this.#servers.url(kind as SharedKind).then(
            (url) => ({ url }),
            (error: unknown) => ({ error: String(error) }),
          )
        : { error: `no kind of server: ${kind}` }
    return JSON.stringify(answer)
  }
}

/** Asks the run's host for a server; starts it if need be. */
export function askSharedHost(socketPath: string, kind: SharedKind): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    let text = ''
    socket.once('connect', () => socket.write(`${kind}\n`))
    socket.on('data', (data) => {
      text += data.toString()
    })
    socket.once('error', reject)
    socket.once('end', () => {
      const { url, error } = (text === '' ? { error: 'no answer' } : JSON.parse(text)) as Answer
      if (url === undefined) reject(new Error(`the shared ${kind} server did not start: ${error}`))
      else resolve(url)
    })
  })
}
