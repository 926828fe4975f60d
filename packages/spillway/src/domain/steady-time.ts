// What pure algorithms take for the time when the clock they are handed steps back: the store's clock after a failover, or
// two hosts in turn. A small step is waited out, so that no interval is credited twice; after a large one the new time
// counts, so that nothing stands still until the old one is reached again.

import { CLOCK_SKEW_MS_MAX } from './limits.js'

/** `lastAt` is the latest time that was seen. The answer is earlier than that only if the clock went back further than clocks may differ. */
export function steadyNow(lastAt: number, now: number): number {
  return now < lastAt && lastAt - now <= CLOCK_SKEW_MS_MAX ? lastAt : now
}
