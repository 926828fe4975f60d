// Counts the rows that are committed in the user's table, as the process that wrote them sees it, and says when a number of
// them is reached: the moment counts, not the next look.

import { monotonicMs } from './monotonic.js'

export interface LandedCount {
  readonly rows: number
  /** Rows that a handler wrote a second time. */
  readonly repeats: number
  /** When the last row landed, by monotonicMs(). */
  readonly lastAt: number
  add(written: number, repeated?: number): void
  /** Resolves with the time by monotonicMs() at which `rows` was reached; rejects when that takes longer than `withinMs`. */
  reached(rows: number, withinMs: number): Promise<number>
}

export function countLanded(): LandedCount {
  let rows = 0
  let repeats = 0
  let lastAt = 0
  let waiting: { rows: number; resolve: (at: number) => void }[] = []
  return {
    get rows() {
      return rows
    },
    get repeats() {
      return repeats
    },
    get lastAt() {
      return lastAt
    },
    add(written, repeated = 0) {
      rows += written
      repeats += repeated
      lastAt = monotonicMs()
      const due = waiting.filter((waiter) => waiter.rows <= rows)
      if (due.length === 0) return
      waiting = waiting.filter((waiter) => waiter.rows > rows)
      for (const { resolve } of due) resolve(lastAt)
    },
    reached(wanted, withinMs) {
      if (rows >= wanted) return Promise.resolve(lastAt)
      return new Promise((resolve, reject) => {
        const deadline = setTimeout(() => {
          reject(new Error(`${rows} of ${wanted} rows landed within ${Math.round(withinMs / 1_000)} s`))
        }, withinMs)
        waiting.push({
          rows: wanted,
          resolve(at) {
            clearTimeout(deadline)
            resolve(at)
          },
        })
      })
    },
  }
}
