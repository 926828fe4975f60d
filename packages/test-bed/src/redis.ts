// Redis, as a broker and for what is compared with Spillway.

import { join } from 'node:path'
import { program } from './binaries.js'
import { firstAnswer } from './first-answer.js'
import { PrivateServer } from './private-server.js'
import { makeScratchFolder, runAs } from './run-as.js'

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

async function answersPing(path: string): Promise<void> {
  const answer = await firstAnswer({ path }, 'PING\r\n')
  if (!answer.startsWith('+PONG')) throw new Error('it is not ready')
}
