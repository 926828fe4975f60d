// The first thing a server says to somebody who connects, so that it can be told from others.

import { connect, type NetConnectOpts } from 'node:net'

const ANSWER_TIMEOUT_MS = 10_000

/** Rejects when there is nobody, or nothing is said. `greeting`: what to say first; `isAll`: whether that was the answer, or its beginning. */
export function firstAnswer(
  options: NetConnectOpts,
  greeting = '',
  isAll: (answer: string) => boolean = () => true,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(options)
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy())
    socket.once('connect', () => socket.write(greeting))
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString()
      if (!isAll(answer)) return
      resolve(answer)
      socket.destroy()
    })
    socket.once('error', reject)
    // Means nothing once it has answered.
    socket.once('close', () => reject(new Error('closed without an answer')))
  })
}
