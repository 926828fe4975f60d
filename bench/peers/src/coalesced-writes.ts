// What somebody who wants more from a queue of single jobs can build around it: handlers that run at the same time share one
// bulk insert. A few inserts are under way at once; what arrives meanwhile gathers for the next.

import type { Effect } from './effect.js'
import type { WatchEvent } from './watch-events.js'

interface CoalesceOptions {
  readonly writesAtOnce: number
  /** Per write. */
  readonly rowsMax: number
}

const DEFAULTS: CoalesceOptions = { writesAtOnce: 2, rowsMax: 1_000 }

export function coalesced(effect: Effect, { writesAtOnce, rowsMax } = DEFAULTS): Effect {
  const waiting: { event: WatchEvent; done: (rows: number) => void; failed: (error: unknown) => void }[] = []
  let writing = 0
  const flush = async () => {
    if (waiting.length === 0 || writing === writesAtOnce) return
    writing++
    const group = waiting.splice(0, rowsMax)
    const writes = effect.writeMany(group.map(({ event }) => event))
    void flush()
    try {
      const rows = await writes
      // Which row was a repeat is not known; that there was one is, and it voids the run.
      for (const [index, { done }] of group.entries()) done(index < rows ? 1 : 0)
    } catch (error) {
      for (const { failed } of group) failed(error)
    }
    writing--
    await flush()
  }
  return {
    ...effect,
    writeOne: (event) =>
      new Promise((done, failed) => {
        waiting.push({ event, done, failed })
        if (waiting.length === 1) setImmediate(() => void flush())
      }),
  }
}
