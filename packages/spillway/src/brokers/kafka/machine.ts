// What this driver takes from the machine it runs on: deadlines, pauses, and chance for jitter. Brokers may not import the runtime's.

import { randomInt } from 'node:crypto'
import type { Clock, Random } from '../../ports/index.js'

export interface Machine extends Pick<Clock, 'monotonic' | 'schedule'> {
  readonly random: Random
}

const STEPS = 2 ** 32

export const machine: Machine = {
  monotonic: () => performance.now(),
  schedule(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
  random: () => randomInt(STEPS) / STEPS,
}
