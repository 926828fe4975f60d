// How long to leave a destination, or a disk, alone before the next try.

import { type Backoff, backoffMs, spreadMs } from '../domain/index.js'
import type { Random } from '../ports/index.js'

const SHIP_BACKOFF: Backoff = { type: 'exponential', delayMs: 50, maxMs: 5_000, jitter: 'none' }

/** Between half and all of the exponential delay. `failures` counts from 1. */
export function shipBackoffMs(failures: number, random: Random): number {
  return Math.round(spreadMs(backoffMs(SHIP_BACKOFF, failures, 0), random()))
}
