// The handler calls between two changes of the adaptive limit, added up.

/** One handler call that ended. */
export interface LimitSample {
  readonly durationMs: number
  readonly commands: number
  /** Calls under way when this one began, itself included. */
  readonly inFlight: number
  /** `error` is a transient exception; a business no or bad data is `ok`. */
  readonly outcome: 'ok' | 'error' | 'timeout'
}

export interface LimitWindow {
  readonly since: number
  readonly ok: number
  readonly errors: number
  readonly timeouts: number
  /** Sum over the `ok` ones, and of their durations as multiples of what was expected. */
  readonly durationMs: number
  readonly slowness: number
  /** The most calls that were under way. */
  readonly peak: number
}

export function emptyWindow(since: number): LimitWindow {
  return { since, ok: 0, errors: 0, timeouts: 0, durationMs: 0, slowness: 0, peak: 0 }
}

/** `expectedMs` is how long such a batch takes with little load; null or 0 = nothing is known, and the sample passes for normal. */
export function withSample(window: LimitWindow, sample: LimitSample, expectedMs: number | null): LimitWindow {
  const peak = Math.max(window.peak, sample.inFlight)
  if (sample.outcome === 'error') return { ...window, peak, errors: window.errors + 1 }
  if (sample.outcome === 'timeout') return { ...window, peak, timeouts: window.timeouts + 1 }
  const slowness = expectedMs === null || expectedMs <= 0 ? 1 : sample.durationMs / expectedMs
  return {
    ...window,
    peak,
    ok: window.ok + 1,
    durationMs: window.durationMs + sample.durationMs,
    slowness: window.slowness + slowness,
  }
}
