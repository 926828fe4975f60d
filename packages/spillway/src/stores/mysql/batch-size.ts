// How much one transaction of maintenance takes on: half as much after one that was too slow, and by and by more again.

export interface BatchSize {
  /** At most `wanted`, at least one. */
  of(wanted: number): number
  /** The transaction was too slow, or in the way of others. False when there is nothing smaller. */
  shrink(wanted: number): boolean
  /** The transaction went well. */
  grow(): void
}

/** Transactions that go well for each doubling: growing back at once would run into the same wall again. */
const CALM_BEFORE_GROWTH = 4

export function newBatchSize(): BatchSize {
  let max = Number.POSITIVE_INFINITY
  let calm = 0
  const of = (wanted: number): number => Math.max(1, Math.min(Math.trunc(wanted), max))
  return {
    of,
    shrink(wanted) {
      const before = of(wanted)
      calm = 0
      max = Math.max(1, Math.floor(before / 2))
      return max < before
    },
    grow() {
      calm += 1
      if (calm % CALM_BEFORE_GROWTH === 0) max *= 2
    },
  }
}
