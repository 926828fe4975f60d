// What this store takes from the machine it runs on: pauses, and chance for jitter. A store that is given a clock uses that
// instead; stores may not import the runtime's.

import { randomInt } from 'node:crypto'
import type { Clock, Random } from '../../ports/index.js'

export type Pause = Pick<Clock, 'monotonic' | 'sleep' | 'schedule'>

export const machinePause: Pause = {
  monotonic: () => performance.now(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  schedule(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

const STEPS = 2 ** 32

export const machineRandom: Random = () => randomInt(STEPS) / STEPS
