// How fast a queue gets shorter by work being done: an average of finished commands per second that forgets within a
// minute or so. It tells a caller who is turned away when it is worth coming back.

import { steadyNow } from './steady-time.js'

/** What was observed this long ago weighs about a third. */
export const DRAIN_MEMORY_MS = 30_000

export interface DrainRate {
  readonly perSecond: number
  /** When it was observed last, ms since the epoch. */
  readonly at: number
}

/** `finished`: commands that ended since the last observation. The first one only starts the watch. */
export function observeDrain(rate: DrainRate | null, finished: number, now: number): DrainRate {
  if (rate === null) return { perSecond: 0, at: now }
  const at = steadyNow(rate.at, now)
  const elapsedMs = Math.max(0, at - rate.at)
  // The limit of the average below for observations at the same moment, whose rate would be infinite.
  if (elapsedMs === 0) return { perSecond: rate.perSecond + (finished * 1_000) / DRAIN_MEMORY_MS, at }
  const kept = Math.exp(-elapsedMs / DRAIN_MEMORY_MS)
  return { perSecond: rate.perSecond * kept + (1 - kept) * ((finished * 1_000) / elapsedMs), at }
}
