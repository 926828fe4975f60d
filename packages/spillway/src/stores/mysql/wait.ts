// The timers and the chance of this store: deadlines of calls, and pauses with jitter before a transaction is tried again. A store
// that is given a clock uses that instead; stores may not import the runtime's.

import type { Clock, Random } from '../../ports/index.js'

export type Wait = Pick<Clock, 'sleep' | 'schedule'>

export const machineWait: Wait = {
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  schedule(ms, run) {
    const timer = setTimeout(run, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}

export const machineRandom: Random = () => Math.random()
