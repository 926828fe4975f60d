// Small values that all processes on a store share and change: a circuit breaker, a rate limit's bucket, the recorded steps
// of a command, an endpoint that is gone. Each has a version that a write must name, so that of two writers one reads again.

export interface SharedValue {
  /** JSON text of at most SHARED_BYTES_MAX bytes. */
  readonly value: string
  /** Strictly increases with every write of the key, also after it was removed. */
  readonly version: number
}

export interface SharedSnapshot {
  /** One per key; null when there is none, or none any more. */
  readonly values: readonly (SharedValue | null)[]
  /** The store's clock, ms since the epoch: what shared times are compared with. */
  readonly now: number
}

export interface SharedWrite {
  readonly key: string
  /** Null removes it. */
  readonly value: string | null
  /** The version that was read; 0 when there was none. */
  readonly version: number
  /** Forgotten this long after the last write. */
  readonly ttlMs: number
}

export interface StoreShared {
  read(keys: readonly string[]): Promise<SharedSnapshot>
  /** Compare-and-set, each for itself; `stale`: somebody else wrote since. */
  write(writes: readonly SharedWrite[]): Promise<readonly ('ok' | 'stale')[]>
  /** Keys beginning with `prefix`, in order, after `after`; at most `limit`. */
  keys(prefix: string, limit: number, after?: string): Promise<readonly string[]>
}
