// The first thing a server says to somebody who connects, so that it can be told from others.

import { connect, type NetConnectOpts } from 'node:net'

const CONNECT_TIMEOUT_MS = 2_000

/** Rejects when there is nobody, or nothing is said. `greeting`: what to say first. */
export function firstAnswer(options: NetConnectOpts, greeting = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(options)
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy())
    socket.once('connect', () => socket.write(greeting))
    socket.once('data', (data) => {
      resolve(data.toString())
      socket.destroy()
    })
    socket.once('error', reject)
    // Means nothing once it has answered.
    socket.once('close', () => reject(new Error('closed without an answer')))
  })
}
