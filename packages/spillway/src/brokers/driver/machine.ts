// What a driver takes from the machine it runs on: deadlines, pauses, chance for jitter, and names. Brokers may not import the runtime's.

import { randomBytes, randomInt } from 'node:crypto'
import type { Clock, Random } from '../../ports/index.js'

export interface Machine extends Pick<Clock, 'monotonic' | 'schedule' | 'defer'> {
  readonly random: Random
  /** A name that nobody else has. */
  readonly newName: () => string
}

const STEPS = 2 ** 32
const NAME_BYTES = 8

export const machine: Machine = {
  monotonic: () => performance.now(),
  schedule(ms, run) {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
  defer(run) {
    setImmediate(run)
  },
  random: () => randomInt(STEPS) / STEPS,
  newName: () => randomBytes(NAME_BYTES).toString('hex'),
}
