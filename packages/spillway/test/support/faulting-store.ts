// A real store whose appends can be told to fail, before or after the commit, or to take their time. It can be made to look as if
// it took part in its callers' transactions; what it is given there it stores at once.

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
  /** What appends in a caller's transaction were given. */
  readonly enlisted: {
    readonly tx: unknown
    readonly atomic: boolean
    readonly commands: readonly number[]
  }[]
}

export function faultingStore(real: Store, clock: Clock, transactionalAppend = false): FaultingStore {
  const control: FaultingStore = {
    faults: [],
    appendMs: 0,
    appendedAt: [],
    enlisted: [],
    store: {
      ...real,
      capabilities: { ...real.capabilities, transactionalAppend },
      async append(drafts, { tx, ...options } = {}) {
        control.appendedAt.push(clock.monotonic())
        if (tx !== undefined)
          control.enlisted.push({
            tx,
            atomic: options.atomic ?? false,
            commands: drafts.map(({ size }) => size),
          })
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
