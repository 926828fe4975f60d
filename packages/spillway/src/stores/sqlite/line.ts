// The line before one connection. Everything SQLite does here is synchronous, so a step runs at once when nobody is waiting;
// when another process holds the write lock, the step waits without blocking the event loop, and later ones stay behind it:
// chunks keep the order in which they were appended.

import { SpillwayError } from '../../errors/index.js'
import { busyError, Locked } from './errors.js'
import type { Wait } from './wait.js'

export interface Line {
  /** Runs the step when its turn comes; rejects with `store_unavailable` when the lock is not free in time. */
  run<T>(step: () => T): Promise<T>
}

/** Steps that may wait for one connection. */
const WAITING_MAX = 10_000
const RETRY_MS_MIN = 2
const RETRY_MS_MAX = 40

export interface LineOptions {
  readonly wait: Wait
  readonly busyTimeoutMs: number
  /** Of the database, for messages. */
  readonly path: string
}

export function newLine({ wait, busyTimeoutMs, path }: LineOptions): Line {
  const waiting: (() => void)[] = []
  let taken = false

  /** Hands the connection to the next in line without ever leaving it free in between. */
  function leave(): void {
    const next = waiting.shift()
    if (next === undefined) taken = false
    else next()
  }

  async function enter(): Promise<void> {
    if (waiting.length >= WAITING_MAX) {
      throw new SpillwayError(
        'store_unavailable',
        `${WAITING_MAX} calls wait for the database ${path} already.`,
        {
          details: { reason: 'busy', path },
        },
      )
    }
    await new Promise<void>((resolve) => waiting.push(resolve))
  }

  async function untilFree<T>(step: () => T, since: number): Promise<T> {
    let pauseMs = RETRY_MS_MIN
    for (;;) {
      const waitedMs = wait.monotonic() - since
      if (waitedMs >= busyTimeoutMs) throw busyError(path, waitedMs)
      await wait.sleep(Math.min(pauseMs, busyTimeoutMs - waitedMs))
      pauseMs = Math.min(pauseMs * 2, RETRY_MS_MAX)
      try {
        return step()
      } catch (error) {
        if (!(error instanceof Locked)) throw error
      }
    }
  }

  return {
    async run(step) {
      const since = wait.monotonic()
      const first = !taken
      if (first) taken = true
      else await enter()
      try {
        return step()
      } catch (error) {
        if (!(error instanceof Locked)) throw error
        return await untilFree(step, since)
      } finally {
        leave()
      }
    },
  }
}
