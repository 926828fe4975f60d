// The machine's answer to how short this process is of thread time and memory. The event loop is watched from the first reading on:
// who never asks does not pay for it.

import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { ReadPressure } from '../ports/index.js'

const RESOLUTION_MS = 20
const NS_PER_MS = 1_000_000

export function createPressure(): ReadPressure {
  let delays: IntervalHistogram | null = null
  return () => {
    const eventLoopDelayMs = delays === null ? 0 : lateMs(delays)
    if (delays === null) {
      delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
      delays.enable()
    }
    delays.reset()
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    return { eventLoopDelayMs, heapUsedRatio: used / limit }
  }
}

/** What is measured is the time between two ticks, most of which is as it should be. */
function lateMs(delays: IntervalHistogram): number {
  return delays.count === 0 ? 0 : Math.max(0, delays.mean / NS_PER_MS - RESOLUTION_MS)
}
