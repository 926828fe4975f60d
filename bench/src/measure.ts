// Concurrent callers and the figures of one run.

import { makeEvent, type WatchEvent } from './watch-event.js'

export interface Load {
  readonly callers: number
  readonly events: readonly WatchEvent[]
}

export interface AckFigures {
  readonly ackP50Ms: number
  readonly ackP99Ms: number
}

export interface SideFigures extends AckFigures {
  /** Rows in the table per second, from the first call to the last row. */
  readonly landedPerSecond: number
  /** Share of the rows that were in the table when the last caller had its answer. */
  readonly landedAtLastAck: number
}

/** Made before the clock starts, on every side. `first` keeps runs on one file from repeating each other. */
export function makeLoad(callers: number, first: number, size: number): Load {
  return { callers, events: Array.from({ length: size }, (_, index) => makeEvent(first + index)) }
}

/** Each caller writes one event, waits for the answer and takes the next. */
export async function withCallers(
  load: Load,
  write: (event: WatchEvent) => Promise<unknown>,
): Promise<AckFigures> {
  const { callers, events } = load
  const durationsMs = new Float64Array(events.length)
  let next = 0
  const caller = async () => {
    while (next < events.length) {
      const index = next++
      const startedAt = performance.now()
      await write(events[index] as WatchEvent)
      durationsMs[index] = performance.now() - startedAt
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return percentiles(durationsMs)
}

export function percentiles(durationsMs: Float64Array): AckFigures {
  const sorted = durationsMs.toSorted()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { ackP50Ms: at(0.5), ackP99Ms: at(0.99) }
}

export function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1_000
}
