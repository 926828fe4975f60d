// Connections that are open, lent to one call at a time. Whoever finds none free waits, up to a deadline and behind those who came
// before; a connection that broke is replaced by a new one when it is needed next.

import type { Cancel } from '../../ports/index.js'
import { type ConnectionSettings, connect, type OpenConnection } from './connection.js'
import { closedError, exhaustedError } from './errors.js'

export interface Pool {
  /** Runs `work` with a connection of its own. */
  use<T>(work: (connection: OpenConnection) => Promise<T>): Promise<T>
  /** Waits for the calls under way, then closes the connections. */
  close(): Promise<void>
}

export interface PoolSettings extends ConnectionSettings {
  readonly poolSize: number
  /** How long a call waits for a connection, in ms. */
  readonly acquireTimeoutMs: number
}

interface Waiter {
  resolve(connection: OpenConnection): void
  reject(error: unknown): void
}

/** Calls that may wait for a connection. */
const WAITING_MAX = 10_000

export function newPool(settings: PoolSettings): Pool {
  const { poolSize, acquireTimeoutMs, wait, place } = settings
  const idle: OpenConnection[] = []
  const waiting = new Set<Waiter>()
  let lent = 0
  let closed = false
  let drained: (() => void) | null = null

  function acquire(): Promise<OpenConnection> {
    if (closed) return Promise.reject(closedError(place))
    if (lent >= poolSize) return turn()
    lent += 1
    return openOne()
  }

  async function openOne(): Promise<OpenConnection> {
    const known = idle.pop()
    if (known !== undefined) return known.usable ? known : openOne()
    try {
      return await connect(settings)
    } catch (error) {
      handOn(null)
      throw error
    }
  }

  function turn(): Promise<OpenConnection> {
    if (waiting.size >= WAITING_MAX) return Promise.reject(exhaustedError(place, poolSize, 0))
    return new Promise((resolve, reject) => {
      let cancel: Cancel = () => {}
      const waiter: Waiter = {
        resolve(connection) {
          cancel()
          resolve(connection)
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

  /** Gives the place of a connection to the next in line; null when the connection itself is gone. */
  function handOn(connection: OpenConnection | null): void {
    const [next] = waiting
    if (next === undefined) {
      lent -= 1
      if (connection !== null) idle.push(connection)
      if (lent === 0) drained?.()
      return
    }
    waiting.delete(next)
    if (connection !== null) next.resolve(connection)
    else openOne().then(next.resolve, next.reject)
  }

  return {
    async use(work) {
      const connection = await acquire()
      try {
        return await work(connection)
      } finally {
        handOn(connection.usable ? connection : null)
      }
    },
    async close() {
      closed = true
      for (const waiter of waiting) waiter.reject(closedError(place))
      waiting.clear()
      if (lent > 0) await new Promise<void>((resolve) => (drained = resolve))
      await Promise.all(idle.splice(0).map((connection) => connection.end()))
    },
  }
}
