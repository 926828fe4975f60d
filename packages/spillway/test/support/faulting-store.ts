// A real store whose appends can be told to fail, before or after the commit, or to take their time.

import { SpillwayError } from '../../src/errors/index.js'
import type { Clock, Store } from '../../src/ports/index.js'

export type AppendFault =
  /** Nothing is stored. */
  | 'refused'
  /** Stored, and then the answer is lost. */
  | 'lost answer'
  /** Not stored, and nobody can tell. */
  | 'lost request'

export interface FaultingStore {
  readonly store: Store
  /** Faults of the next appends, first to last. */
  readonly faults: (AppendFault | null)[]
  /** What every append takes. */
  appendMs: number
  /** When appends were called, by the monotonic clock. */
  readonly appendedAt: number[]
}

export function faultingStore(real: Store, clock: Clock): FaultingStore {
  const control: FaultingStore = {
    faults: [],
    appendMs: 0,
    appendedAt: [],
    store: {
      ...real,
      async append(drafts, options) {
        control.appendedAt.push(clock.monotonic())
        const fault = control.faults.shift() ?? null
        if (control.appendMs > 0) await clock.sleep(control.appendMs)
        if (fault === 'refused')
          throw new SpillwayError('store_unavailable', 'The disk is full.', { details: { reason: 'full' } })
        if (fault === 'lost request') throw lost()
        const results = await real.append(drafts, options)
        if (fault === 'lost answer') throw lost()
        return results
      },
    },
  }
  return control
}

function lost(): SpillwayError {
  return new SpillwayError('store_unavailable', 'The connection broke.', { details: { outcome: 'unknown' } })
}
