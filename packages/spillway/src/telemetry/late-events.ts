// Counting in one go what was recorded one by one. Between two waits for the disk everything runs cold, and counting a single event there costs
// several times as much as it does in a row of a hundred: a lone caller would wait for that.

export interface LateEvents<Event> {
  add(event: Event): void
  /** Counts what was added so far, in order; for whoever is about to read. */
  catchUp(): void
}

/** Events that are not counted yet. */
const LATE_MAX = 100

/** An event that `count` throws at is lost, and no other. */
export function newLateEvents<Event>(count: (event: Event) => void): LateEvents<Event> {
  const late: Event[] = []

  function countSafely(event: Event): void {
    try {
      count(event)
    } catch {
      // There is nobody to tell: this is who would be told.
    }
  }

  function catchUp(): void {
    late.forEach(countSafely)
    late.length = 0
  }

  return {
    add(event) {
      late.push(event)
      if (late.length >= LATE_MAX) catchUp()
    },
    catchUp,
  }
}
