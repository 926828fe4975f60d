// Single commands among what is stored: the chunk a command was submitted in, its row if it has one, and its state.

import type { CommandRef, CommandState, RowState, Stage } from '../../domain/index.js'
import { parseAbsences, repeatsOf } from './absences.js'
import type { ChunkPlace } from './chunks.js'
import type { SqliteTx } from './client.js'
import { parseIndexes } from './index-list.js'
import { parseMembers } from './members.js'

interface ChunkRow extends ChunkPlace {
  readonly id: string
  readonly type: string
  readonly priority: number
  readonly state: 'ready' | 'leased' | 'done'
  readonly size: number
  readonly skip: string | null
  readonly absent: string | null
  readonly expiries: number
  readonly created_at: number
  readonly ended_at: number
}

/** A chunk as it was submitted, with its lists unpacked. */
export interface Family extends ChunkRow {
  readonly over: ReadonlySet<number>
  readonly absentees: ReadonlySet<number>
  /** By index the id of the command that a repeat is answered with. */
  readonly repeats: ReadonlyMap<number, string>
}

export interface RowRecord {
  readonly chunk_id: string
  readonly idx: number
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly state: RowState | 'promoted'
  readonly attempts: number
  readonly next_at: number | null
  readonly carrier: number | null
  readonly accepted_at: number
  readonly finished_at: number | null
  readonly generation: number
  readonly error: string | null
  readonly result: string | null
  readonly history: string | null
  readonly stage: Stage
  readonly memo: string | null
  readonly fingerprint: string | null
  readonly seq: number | null
  /** Of the chunk it was promoted into. */
  readonly carrier_state: ChunkRow['state'] | null
  readonly carrier_expiries: number | null
}

export interface StoredCommand {
  readonly chunk: Family
  readonly index: number
  readonly row: RowRecord | null
  readonly state: CommandState
}

/** The chunk that a command waits in, and its index there. */
export interface Holder {
  readonly chunk: ChunkPlace & { readonly size: number }
  readonly index: number
  readonly skip: readonly number[]
}

export interface Commands {
  /** Null when there is no such chunk, or it only carries commands of others. */
  family(chunkId: string): Family | null
  find(ref: CommandRef): StoredCommand | null
  /** The command of that index in the family, or null when it is not in the store. */
  member(family: Family, index: number): StoredCommand | null
  /** Null when the command waits in no chunk. */
  holderOf(command: StoredCommand): Holder | null
}

export const CHUNK_COLUMNS =
  'seq, id, queue, type, priority, partition, promoted, state, size, skip, absent, expiries, created_at, ended_at'

export const ROW_SOURCE = `
select parked.chunk_id, parked.idx, parked.queue, parked.type, parked.priority, parked.state, parked.attempts,
  parked.next_at, parked.carrier, parked.accepted_at, parked.finished_at, parked.generation, parked.error, parked.result,
  parked.history, parked.stage, parked.memo, parked.fingerprint, parked.seq, carriers.state as carrier_state, carriers.expiries as carrier_expiries
from spillway_parked parked left join spillway_chunks carriers on carriers.seq = parked.carrier`

export function prepareCommands(db: SqliteTx): Commands {
  const chunkById = db.prepare(`select ${CHUNK_COLUMNS} from spillway_chunks where id = ?1 and promoted = 0`)
  const chunkBySeq = db.prepare(`select ${CHUNK_COLUMNS} from spillway_chunks where seq = ?1`)
  const membersOf = db.prepare('select members from spillway_bodies where seq = ?1')
  const rowAt = db.prepare(`${ROW_SOURCE} where parked.chunk_id = ?1 and parked.idx = ?2`)

  function member(chunk: Family, index: number): StoredCommand | null {
    if (index >= chunk.size || chunk.absentees.has(index)) return null
    const row = (rowAt.get(chunk.id, index) as RowRecord | undefined) ?? null
    return { chunk, index, row, state: stateOf(chunk, index, row) }
  }

  function family(chunkId: string): Family | null {
    const chunk = chunkById.get(chunkId) as ChunkRow | undefined
    return chunk === undefined ? null : familyOf(chunk)
  }

  function holderOf({ chunk, index, row }: StoredCommand): Holder | null {
    if (row === null) return { chunk, index, skip: parseIndexes(chunk.skip) }
    if (row.carrier === null) return null
    const carrier = chunkBySeq.get(row.carrier) as ChunkRow
    const { members } = membersOf.get(row.carrier) as { members: string }
    const id = `${row.chunk_id}-${row.idx}`
    const place = parseMembers(members).findIndex((candidate) => candidate.id === id)
    return { chunk: carrier, index: place, skip: parseIndexes(carrier.skip) }
  }

  return {
    family,
    member,
    holderOf,
    find({ chunkId, index }) {
      const chunk = family(chunkId)
      return chunk === null ? null : member(chunk, index)
    },
  }
}

export function familyOf(chunk: ChunkRow): Family {
  const absences = parseAbsences(chunk.absent)
  return {
    ...chunk,
    over: new Set(parseIndexes(chunk.skip)),
    absentees: new Set(absences.map(([index]) => index)),
    repeats: repeatsOf(absences),
  }
}

export function stateOf(chunk: Family, index: number, row: RowRecord | null): CommandState {
  if (row !== null) return rowState(row)
  if (chunk.state === 'done' || chunk.over.has(index)) return 'succeeded'
  return chunk.state === 'leased' ? 'running' : 'accepted'
}

/** A promoted row shows what the chunk that carries it is doing; one that is carried in another stage keeps its name. */
export function rowState(row: RowRecord): CommandState {
  if (row.state !== 'promoted') return row.state
  return row.carrier_state === 'leased' ? 'running' : 'accepted'
}
