// Single commands among what is stored: the chunk a command was submitted in, its row if it has one, and its state. A chunk
// is read together with its commands' rows, in one statement: what is shown of a command is of one moment.

import {
  type AppendVerdict,
  type CommandState,
  carriedState,
  type RowState,
  type Stage,
} from '../../domain/index.js'

type ChunkState = 'ready' | 'leased' | 'done'

export interface ParkedRecord {
  readonly idx: number
  readonly state: RowState | 'promoted'
  readonly attempts: number
  /** Null = execute. */
  readonly stage: Stage | null
  readonly memo: string | null
  readonly fingerprint: string | null
  readonly next_at: number | null
  /** seq of the chunk it was promoted into. */
  readonly carrier: number | null
  readonly accepted_at: number
  readonly finished_at: number | null
  readonly generation: number
  readonly error: string | null
  readonly result: string | null
  readonly history: readonly string[] | null
  /** Of the chunk it was promoted into. */
  readonly carrier_state: ChunkState | null
  readonly carrier_expiries: number | null
}

/** A chunk as it was submitted, with the rows of its commands, or of those that were asked for. */
export interface FamilyRecord {
  readonly id: string
  readonly queue: string
  readonly type: string
  readonly priority: number
  readonly state: ChunkState
  readonly size: number
  readonly skip: readonly number[] | null
  readonly absent: string | null
  readonly expiries: number
  readonly created_at: number
  readonly ended_at: number
  readonly rows: readonly ParkedRecord[] | null
  /** Index -> what the handler returned, for commands that have no row. */
  readonly results: Readonly<Record<number, string>> | null
  /** Index -> JSON text; null when not asked for. */
  readonly payloads: Readonly<Record<number, string>> | null
}

export interface StoredCommand {
  readonly family: Family
  readonly index: number
  readonly row: ParkedRecord | null
  readonly state: CommandState
}

/** A chunk as it was submitted, with its lists unpacked. */
export class Family {
  readonly record: FamilyRecord
  /** 32 hex digits. */
  readonly id: string
  readonly #over: ReadonlySet<number>
  /** By index the command that a repeat is answered with; null for what else was not stored. */
  readonly #absentees: ReadonlyMap<number, string | null>
  readonly #rows: ReadonlyMap<number, ParkedRecord>

  constructor(record: FamilyRecord) {
    const absences = record.absent === null ? [] : (JSON.parse(record.absent) as Absence[])
    this.record = record
    this.id = chunkIdOf(record.id)
    this.#over = new Set(record.skip)
    this.#absentees = new Map(
      absences.map(([index, status, id]) => [index, status === 'duplicate' ? id : null]),
    )
    this.#rows = new Map(record.rows?.map((row) => [row.idx, row]))
  }

  /** Null when the store has no command of that index. */
  command(index: number): StoredCommand | null {
    if (index >= this.record.size || this.#absentees.has(index)) return null
    const row = this.#rows.get(index) ?? null
    return { family: this, index, row, state: this.#stateOf(index, row) }
  }

  /** The id of the first command, when that index is a repeat. */
  repeatedBy(index: number): string | null {
    return this.#absentees.get(index) ?? null
  }

  #stateOf(index: number, row: ParkedRecord | null): CommandState {
    if (row !== null) return rowState(row)
    if (this.record.state === 'done' || this.#over.has(index)) return 'succeeded'
    return this.record.state === 'leased' ? 'running' : 'accepted'
  }
}

/** Why a command is not in the store: index, verdict, id of the command that came first. */
export type Absence = readonly [index: number, status: AppendVerdict['status'], id: string | null]

/** A row that is carried to be executed shows what its chunk is doing; carried for something else, it keeps its state. */
export function rowState({ state, carrier_state }: ParkedRecord): CommandState {
  if (state !== 'promoted') return state
  return carriedState('execute', carrier_state === 'leased')
}

/** PostgreSQL writes a uuid with dashes. */
export function chunkIdOf(uuid: string): string {
  return uuid.replaceAll('-', '')
}

/** The columns of a parked row, of `parked` left joined with its `carriers`. */
export const PARKED_COLUMNS = `
parked.idx, parked.state, parked.stage, parked.memo, parked.fingerprint, parked.attempts,
coalesce(parked.due_at, parked.next_at) as next_at, parked.carrier, parked.accepted_at, parked.finished_at,
parked.generation, parked.error, parked.result, parked.history, carriers.state as carrier_state,
carriers.expiries as carrier_expiries`

/**
 * The columns of a family, of `chunks`. `among` limits the indexes: a condition on `idx`. As JSON, because a family is one row
 * of the answer however many commands of it are looked at.
 */
export function familyColumns(among: string, payloads = 'null'): string {
  return `
chunks.id, chunks.queue, chunks.type, chunks.priority, chunks.state, chunks.size, chunks.skip, chunks.absent, chunks.expiries,
chunks.created_at::float8 as created_at, chunks.ended_at::float8 as ended_at,
(select json_agg(rows) from (
  select ${PARKED_COLUMNS} from @.parked parked left join @.chunks carriers on carriers.seq = parked.carrier
  where parked.chunk_id = chunks.id and ${among}) rows) as rows,
(select json_object_agg(idx, result) from @.results where results.seq = chunks.seq and ${among}) as results,
${payloads} as payloads`
}
