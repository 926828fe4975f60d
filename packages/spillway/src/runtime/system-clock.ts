// The machine's clock. `sleep` keeps the process alive, because somebody is awaiting it: a worker that polls a local file has
// nothing else that would. `schedule` does not: a timer nobody awaits must never delay an exit.

import type { Cancel, Clock } from '../ports/index.js'

/** Node fires a timer at once when its delay does not fit into 31 bits, so longer ones are chained. */
const TIMER_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    if (signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      const wake = (): void => {
        signal?.removeEventListener('abort', wake)
        cancel()
        resolve()
      }
      const cancel = startTimer(ms, wake, true)
      signal?.addEventListener('abort', wake)
    })
  },
  schedule: (ms, run) => startTimer(ms, run, false),
  defer(run) {
    setImmediate(run)
  },
}

function startTimer(ms: number, run: () => void, keepsAlive: boolean): Cancel {
  const dueAt = performance.now() + ms
  const arm = (delayMs: number): NodeJS.Timeout => {
    const timer = setTimeout(fire, Math.min(delayMs, TIMER_MS_MAX))
    return keepsAlive ? timer : timer.unref()
  }
  const fire = (): void => {
    const leftMs = dueAt - performance.now()
    if (ms > TIMER_MS_MAX && leftMs > 0) timer = arm(leftMs)
    else run()
  }
  let timer = arm(ms)
  return () => clearTimeout(timer)
}
