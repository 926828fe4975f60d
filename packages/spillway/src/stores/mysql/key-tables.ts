// Where idempotency keys are. New ones go to the current of two tables; the other is only looked up, until every key in it has
// expired and the ring is turned. An append holds a shared lock on the ring's row until it commits, and a turn changes that
// row: it waits for appends in flight, and those that come after see its result.

import { SpillwayError } from '../../errors/index.js'
import { select } from './select.js'
import type { Session } from './session.js'
import { integer } from './sql-text.js'

export interface RingState {
  /** Counts the turns. */
  readonly generation: number
  /** Longest window of a key of this generation; 0 while it has none. */
  readonly windowMs: number
  /** When every key of the other table has expired. */
  readonly agingUntil: number
}

export interface KeyTables {
  /** The state as it was seen last, in which keys of that window may be stored. Not locked: what is sent must check it. */
  stateFor(session: Session, windowMs: number): Promise<RingState>
  /** What was read under the lock. */
  learn(state: RingState): void
  /** It was found to have changed. */
  forget(): void
}

const RING_ROW = 'select generation, window_ms, aging_until from spillway_key_ring where id = 1'

/** Holds the ring as it is until the transaction ends. */
export const LOCK_RING = `${RING_ROW} lock in share mode`

/** Where new keys go. */
export function currentTable({ generation }: Pick<RingState, 'generation'>): string {
  return `spillway_keys_${generation % 2}`
}

/** Where those of the generation before are. */
export function agingTable({ generation }: Pick<RingState, 'generation'>): string {
  return `spillway_keys_${(generation + 1) % 2}`
}

/** `from ... where ...` with a row if keys of that window may not be stored as the state says. */
export function ringDiffers({ generation }: RingState, windowMs: number): string {
  return `from spillway_key_ring where id = 1 and (generation <> ${integer(generation)} or window_ms < ${integer(windowMs)})`
}

export function ringStateOf(row: Readonly<Record<string, unknown>> | undefined): RingState {
  if (row === undefined) {
    throw new SpillwayError(
      'store_incompatible',
      'The table spillway_key_ring has lost its row. Insert (1, 0, 0, 0), and let nobody delete from it.',
    )
  }
  return {
    generation: Number(row.generation),
    windowMs: Number(row.window_ms),
    agingUntil: Number(row.aging_until),
  }
}

/** Lets keys of that window be stored. */
export function widenRing(windowMs: number): string {
  return `update spillway_key_ring set window_ms = greatest(window_ms, ${integer(windowMs)}) where id = 1`
}

export function newKeyTables(): KeyTables {
  let known: RingState | null = null

  async function read(session: Session): Promise<RingState> {
    const [row] = await select<Record<string, unknown>>(session, RING_ROW)
    return ringStateOf(row)
  }

  return {
    async stateFor(session, windowMs) {
      let state = known ?? (await read(session))
      if (state.windowMs < windowMs) {
        // Before an append shares the row: then nobody could change it any more.
        await session.send([widenRing(windowMs)])
        state = await read(session)
      }
      known = state
      return state
    },
    learn(state) {
      known = state
    },
    forget() {
      known = null
    },
  }
}
