// Whether rows of a table are mostly new. An index entry costs PostgreSQL 4 microseconds when it is simply inserted and 7 when it
// is inserted `on conflict`, which looks first and marks the row as tentative. So rows are inserted simply while that mostly
// works; a row that was there undoes the attempt, and the dearer way is gone.

export interface Repeats {
  readonly areRare: boolean
  /** What became of a write. */
  met(repeat: boolean): void
}

/** Share of the latest attempts that may fail: one costs about as much as three save. */
const SHARE_MAX = 0.25
const LATEST_WEIGHT = 1 / 8

export function newRepeats(): Repeats {
  // The first write of all asks: it finds out whether there is the unique index that the key needs.
  let share = SHARE_MAX
  return {
    get areRare() {
      return share < SHARE_MAX
    },
    met(repeat) {
      share += LATEST_WEIGHT * ((repeat ? 1 : 0) - share)
    },
  }
}
