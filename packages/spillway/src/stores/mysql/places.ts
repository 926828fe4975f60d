// A number of places, each for one call at a time. Whoever finds none free waits, up to a deadline and behind those who came before.

import type { Cancel } from '../../ports/index.js'
import { closedError, exhaustedError } from './errors.js'
import type { Wait } from './wait.js'

export interface Places {
  /** Runs `work` on a place of its own. */
  use<T>(work: () => Promise<T>): Promise<T>
  /** Rejects those who wait; resolves when the calls under way are done. */
  close(): Promise<void>
}

export interface PlacesSettings {
  readonly poolSize: number
  /** How long a call waits for a place, in ms. */
  readonly acquireTimeoutMs: number
  readonly wait: Wait
  /** Of the database, for messages. */
  readonly place: string
}

interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

/** Calls that may wait for a place. */
const WAITING_MAX = 10_000

export function newPlaces({ poolSize, acquireTimeoutMs, wait, place }: PlacesSettings): Places {
  const waiting = new Set<Waiter>()
  let taken = 0
  let closed = false
  let drained: (() => void) | null = null

  function acquire(): Promise<void> {
    if (closed) return Promise.reject(closedError(place))
    if (taken >= poolSize) return turn()
    taken += 1
    return Promise.resolve()
  }

  function turn(): Promise<void> {
    if (waiting.size >= WAITING_MAX) return Promise.reject(exhaustedError(place, poolSize, 0))
    return new Promise((resolve, reject) => {
      let cancel: Cancel = () => {}
      const waiter: Waiter = {
        resolve() {
          cancel()
          resolve()
        },
        reject(error) {
          cancel()
          reject(error)
        },
      }
      cancel = wait.schedule(acquireTimeoutMs, () => {
        if (waiting.delete(waiter)) reject(exhaustedError(place, poolSize, acquireTimeoutMs))
      })
      waiting.add(waiter)
    })
  }

  /** To the next in line, if there is one. */
  function handOn(): void {
    const [next] = waiting
    if (next !== undefined) {
      waiting.delete(next)
      next.resolve()
      return
    }
    taken -= 1
    if (taken === 0) drained?.()
  }

  return {
    async use(work) {
      await acquire()
      try {
        return await work()
      } finally {
        handOn()
      }
    },
    async close() {
      closed = true
      for (const waiter of waiting) waiter.reject(closedError(place))
      waiting.clear()
      if (taken > 0) await new Promise<void>((resolve) => (drained = resolve))
    },
  }
}
