// The only source of time outside SQL. Production runs on the machine's clock (runtime/), a simulation on a virtual one.

export type Cancel = () => void

export interface Clock {
  /** ms since the epoch. */
  now(): number
  /** ms since some fixed point, with fractions; never goes back. For measuring and for lease deadlines. */
  monotonic(): number
  /** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls `run` once after `ms` unless cancelled. Does not keep a process alive by itself. */
  schedule(ms: number, run: () => void): Cancel
  /** Calls `run` after the I/O that is ready now was handled (setImmediate): the moment a group commit gathers until. */
  defer(run: () => void): void
}
