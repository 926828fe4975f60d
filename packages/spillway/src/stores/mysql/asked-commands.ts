// The commands that an operator's verb is about: their ids taken apart, and their rows locked.

import { type CommandRef, parseCommandId } from '../../domain/index.js'
import { placesSql, type RowRecord, type StateRecord } from './commands.js'
import { PARKED_BY_COMMAND } from './indexes.js'

export interface Asked {
  /** One per id; null for what is no id of a command. */
  readonly refs: readonly (CommandRef | null)[]
  readonly chunkIds: ReadonlySet<string>
}

export function asked(ids: readonly string[]): Asked {
  const refs = ids.map(parseCommandId)
  return { refs, chunkIds: new Set(refs.flatMap((ref) => ref?.chunkId ?? [])) }
}

/** A row by itself, and what is known of the chunk it rides in. */
export type LockedRow = StateRecord & Pick<RowRecord, 'carrier'>

/** Without their carriers, which are locked before them or not at all. */
export function lockRowsSql(refs: readonly CommandRef[]): string {
  return `
select chunk_id, idx, state, stage, carrier, null as carrier_state from ${PARKED_BY_COMMAND}
where ${placesSql(refs)} order by chunk_id, idx for update`
}
