// How long to leave a failing store alone before the next try.

import { type Backoff, backoffMs, spreadMs } from '../domain/index.js'
import type { Random } from '../ports/index.js'

const STORE_BACKOFF: Backoff = { type: 'exponential', delayMs: 100, maxMs: 5_000, jitter: 'none' }

/** Between half and all of the exponential delay: spread out, and never at once. `failures` counts from 1. */
export function storeBackoffMs(failures: number, random: Random): number {
  return Math.round(spreadMs(backoffMs(STORE_BACKOFF, failures, 0), random()))
}
