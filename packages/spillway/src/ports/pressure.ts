// How short this process is of what its handlers share: time of its one thread, and memory.

export interface PressureReading {
  /** By how much timers of the thread were late on the average since the last reading. */
  readonly eventLoopDelayMs: number
  /** Share of the heap's limit that is in use. */
  readonly heapUsedRatio: number
}

export type ReadPressure = () => PressureReading
