// Acknowledgement times of one run, and what is said about them.

export interface AckTimes {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** `durationsMs` in any order. */
export function ackTimes(durationsMs: Float64Array): AckTimes {
  const sorted = durationsMs.toSorted()
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) }
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
