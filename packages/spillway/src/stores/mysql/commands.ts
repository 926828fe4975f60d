// Single commands among what is stored: the chunk a command was submitted in, its row if it has one, and its state. Read for
// many commands at once, because every statement is a round trip.

import {
  type CommandRef,
  type CommandState,
  carriedState,
  commandId,
  type RowState,
  type Stage,
} from '../../domain/index.js'
import type { Connection } from './connection.js'
import { parseAbsences } from './drafts.js'
import { parseIndexes } from './index-list.js'
import { CHUNKS_BY_ID, PARKED_BY_COMMAND } from './indexes.js'
import { select } from './select.js'
import { integer, integerList, text, textList } from './sql-text.js'

export interface ChunkRow {
  readonly seq: number
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly partition_no: number | null
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
  /** By index the id of the command that a repeat is answered with; null for what else was not stored. */
  readonly absentees: ReadonlyMap<number, string | null>
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
  /** Of the chunk it was promoted into. */
  readonly carrier_state: ChunkRow['state'] | null
  readonly carrier_expiries: number | null
}

/** What a row says about its command's state. */
export type StateRecord = Pick<RowRecord, 'chunk_id' | 'idx' | 'state' | 'stage' | 'carrier_state'>

export interface StoredCommand<Row extends StateRecord = RowRecord> {
  readonly chunk: Family
  readonly index: number
  readonly row: Row | null
  readonly state: CommandState
}

export const CHUNK_COLUMNS =
  'seq, id, queue, type, priority, partition_no, state, size, skip, absent, expiries, created_at, ended_at'

const ROW_COLUMNS = `
select parked.chunk_id, parked.idx, parked.queue, parked.type, parked.priority, parked.state, parked.attempts,
  parked.next_at, parked.carrier, parked.accepted_at, parked.finished_at, parked.generation, parked.error, parked.result,
  parked.history, parked.stage, parked.memo, parked.fingerprint, carriers.state as carrier_state,
  carriers.expiries as carrier_expiries`

/** Rows with what is known of the chunks they ride in. `parked` names the table so, and may say by which index. */
export function rowsOfTable(parked: string): string {
  return `${ROW_COLUMNS}
from ${parked} left join spillway_chunks carriers on carriers.seq = parked.carrier`
}

export const STATE_SOURCE = `
select parked.chunk_id, parked.idx, parked.state, parked.stage, parked.fingerprint, carriers.state as carrier_state
from spillway_parked parked left join spillway_chunks carriers on carriers.seq = parked.carrier`

/** The chunks of these ids that were submitted: those that only carry commands of others are not asked for. Not for no ids. */
export function familiesSql(chunkIds: Iterable<string>): string {
  return `
select ${CHUNK_COLUMNS} from ${CHUNKS_BY_ID}
where id in ${textList(chunkIds)} and promoted = 0`
}

/** Rows of those commands that have one. Not for no commands. */
export function rowsSql(refs: readonly CommandRef[]): string {
  return `${rowsOfTable(PARKED_BY_COMMAND)} where ${placesSql(refs)}`
}

/** Which rows of `parked` these commands have. Comparing both columns at once would not be looked up in the index. */
export function placesSql(refs: readonly CommandRef[]): string {
  const indexes = new Map<string, number[]>()
  for (const { chunkId, index } of refs) addTo(indexes, chunkId, index)
  const places = [...indexes].map(
    ([chunkId, some]) => `(parked.chunk_id = ${text(chunkId)} and parked.idx in ${integerList(some)})`,
  )
  return places.join(' or ')
}

export function familiesById(rows: readonly ChunkRow[]): Map<string, Family> {
  return new Map(rows.map((row) => [row.id, familyOf(row)]))
}

/** By command id. */
export function rowsById<Row extends StateRecord>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [commandId(row.chunk_id, row.idx), row]))
}

/** What the handler returned for commands that succeeded at once, by command id. */
export async function readResults(
  db: Connection,
  commands: readonly StoredCommand[],
): Promise<Map<string, string>> {
  const idOfChunk = new Map<number, string>()
  const indexes = new Map<number, number[]>()
  for (const { chunk, index, row, state } of commands) {
    if (row !== null || state !== 'succeeded') continue
    idOfChunk.set(chunk.seq, chunk.id)
    addTo(indexes, chunk.seq, index)
  }
  if (indexes.size === 0) return new Map()
  const places = [...indexes].map(([seq, some]) => `(seq = ${integer(seq)} and idx in ${integerList(some)})`)
  const results = await select<{ seq: number; idx: number; result: string }>(
    db,
    `select seq, idx, result from spillway_results where ${places.join(' or ')}`,
  )
  return new Map(results.map(({ seq, idx, result }) => [commandId(idOfChunk.get(seq) ?? '', idx), result]))
}

/** The command of that index in the family, or null when it is not in the store. */
export function memberOf<Row extends StateRecord>(
  chunk: Family,
  index: number,
  rows: ReadonlyMap<string, Row>,
): StoredCommand<Row> | null {
  if (index >= chunk.size || chunk.absentees.has(index)) return null
  const row = rows.get(commandId(chunk.id, index)) ?? null
  return { chunk, index, row, state: stateOf(chunk, index, row) }
}

export function idOf({ chunk, index }: Pick<StoredCommand, 'chunk' | 'index'>): string {
  return commandId(chunk.id, index)
}

export function familyOf(chunk: ChunkRow): Family {
  const absences = parseAbsences(chunk.absent)
  return {
    ...chunk,
    over: new Set(parseIndexes(chunk.skip)),
    absentees: new Map(absences.map(([index, status, id]) => [index, status === 'duplicate' ? id : null])),
  }
}

function stateOf(chunk: Family, index: number, row: StateRecord | null): CommandState {
  if (row !== null) return rowState(row)
  if (chunk.state === 'done' || chunk.over.has(index)) return 'succeeded'
  return chunk.state === 'leased' ? 'running' : 'accepted'
}

/** A promoted row shows what the chunk that carries it is doing. */
export function rowState(row: StateRecord): CommandState {
  if (row.state !== 'promoted') return row.state
  return carriedState(row.stage, row.carrier_state === 'leased')
}

export function addTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}
