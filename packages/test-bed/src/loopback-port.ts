// A port that is free on the loopback interface now. Not one of those that the system gives to whoever names none: a server that was killed
// wants its port back, and by then anybody's next connection or listener might have been given it. Another test bed may still take it before
// the server does; starting tries another then.

import { createServer } from 'node:net'
import { randomNumber } from './random-name.js'

/** Linux gives those from 32,768 on. */
const PORTS = { min: 10_000, max: 32_767 }
const PORTS_TRIED_MAX = 100

export async function freeLoopbackPort(): Promise<number> {
  for (let tried = 0; tried < PORTS_TRIED_MAX; tried += 1) {
    const port = randomNumber(PORTS.min, PORTS.max)
    if (await isFree(port)) return port
  }
  throw new Error(`none of ${PORTS_TRIED_MAX} ports from ${PORTS.min} to ${PORTS.max} is free`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
