// Requests that have been received and not been answered: what a server that closes has to wait for, and nothing else.

import type { Server } from 'node:http'

export interface RunningRequests {
  /** Resolves at the first moment from now on at which none is running. */
  ended(): Promise<void>
}

export function countRequests(server: Server): RunningRequests {
  let running = 0
  let waiting: (() => void)[] = []
  server.prependListener('request', (_request, response) => {
    running += 1
    response.once('close', () => {
      running -= 1
      if (running > 0) return
      for (const resolve of waiting) resolve()
      waiting = []
    })
  })
  return {
    ended: () => (running === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
  }
}
