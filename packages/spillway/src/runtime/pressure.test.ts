import { describe, expect, it } from 'vitest'
import { createPressure } from './pressure.js'
import { systemClock } from './system-clock.js'

/** Keeps the thread for so long. */
function block(ms: number): void {
  const until = systemClock.monotonic() + ms
  while (systemClock.monotonic() < until);
}

describe('the pressure of this process', () => {
  it('tells how late timers were since the last reading, and how full the heap is', async () => {
    const read = createPressure()
    expect(read().eventLoopDelayMs).toBe(0)
    // The histogram begins with the first tick of its timer.
    await systemClock.sleep(60)
    block(500)
    await systemClock.sleep(30)
    expect(read().eventLoopDelayMs).toBeGreaterThan(50)
    const { heapUsedRatio } = read()
    expect(heapUsedRatio).toBeGreaterThan(0)
    expect(heapUsedRatio).toBeLessThan(1)
  })
})
