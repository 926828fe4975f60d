// Redis, for what is compared with Spillway.

import { connect } from 'node:net'
import { join } from 'node:path'
import { program } from './binaries.js'
import { PrivateServer } from './private-server.js'
import { makeScratchFolder, runAs } from './run-as.js'

const CONNECT_TIMEOUT_MS = 2_000

export interface StartRedisOptions {
  /** Options of redis-server without the leading dashes. */
  readonly settings?: Readonly<Record<string, string>>
  /** Default: a free one. */
  readonly port?: number
}

export function startRedis(options: StartRedisOptions = {}): Promise<PrivateServer> {
  const user = runAs(['redis', 'postgres'])
  const folder = makeScratchFolder('redis', user)
  const socket = join(folder, 'redis.sock')
  const settings = { bind: '127.0.0.1', dir: folder, save: '', unixsocket: socket, ...options.settings }
  return PrivateServer.start({
    ...{ name: 'redis', user, folder, port: options.port, stopSignal: 'SIGTERM' },
    command: (port) => [
      ...[program('redis', 'redis-server'), '--port', String(port)],
      ...Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    url: (port) => `redis://127.0.0.1:${port}`,
    connects: () => answersPing(socket),
  })
}

function answersPing(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy())
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (data) => {
      if (data.toString().startsWith('+PONG')) resolve()
      socket.destroy()
    })
    socket.once('error', reject)
    // Means nothing once it has answered.
    socket.once('close', () => reject(new Error('closed without an answer')))
  })
}
