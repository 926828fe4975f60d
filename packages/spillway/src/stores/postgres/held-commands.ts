// Commands that an operator's verb is about, while it holds them: their chunks are locked, the chunks that carry them, and
// their rows, in the one order of all who change rows (migrations/0001-foundation.ts).

import { type ChunkMember, type CommandRef, commandId } from '../../domain/index.js'
import { type Database, nowSql, type Transaction } from './database.js'
import {
  chunkIdOf,
  Family,
  type FamilyRecord,
  type ParkedRecord,
  type StoredCommand,
} from './stored-commands.js'

interface ChunkRecord extends Omit<FamilyRecord, 'rows' | 'results' | 'payloads'> {
  readonly seq: number
  readonly promoted: boolean
  readonly members: string | null
  readonly now: number
}

interface RowRecord extends Omit<ParkedRecord, 'carrier_state' | 'carrier_expiries'> {
  readonly chunk_id: string
}

interface Place {
  readonly seq: number
  readonly queue: string
  readonly partition: number | null
}

/** A chunk that a command waits in, and the command's index there. */
export interface Seat {
  readonly seq: number
  readonly size: number
  /** Indexes that are not to run any more; shared by all seats of the chunk. */
  readonly over: Set<number>
  readonly index: number
}

/** All from one moment, which lasts until the transaction ends. */
export interface HeldCommands {
  /** The store's time. */
  readonly now: number
  /** Null when the store has no such command. */
  find(ref: CommandRef): StoredCommand | null
  /** seq of the chunk that the command was submitted in. */
  originOf(command: StoredCommand): number
  /** Null when the command waits in no chunk. */
  seatOf(command: StoredCommand): Seat | null
}

const PLACES = `
with asked as materialized (select * from unnest($1::uuid[], $2::integer[]) as asked (chunk_id, idx))
select seq::float8 as seq, queue, partition from @.chunks where id in (select chunk_id from asked) and not promoted
union
select carriers.seq::float8, carriers.queue, carriers.partition
from asked join @.parked using (chunk_id, idx) join @.chunks carriers on carriers.seq = parked.carrier`

const LOCK_CHUNKS = `
select chunks.seq, chunks.id, queue, type, priority, state, size, skip, absent, expiries, created_at, ended_at, promoted,
  case when promoted then bodies.members end as members, (select ${nowSql(1)}) as now
from @.chunks chunks left join @.bodies bodies on bodies.seq = chunks.seq
where chunks.seq = any($2::bigint[]) order by chunks.seq for update of chunks`

const LOCK_ROWS = `
select chunk_id, idx, state, stage, memo, fingerprint, attempts, coalesce(due_at, next_at) as next_at, carrier, accepted_at, finished_at, generation, error, result, history
from @.parked where (chunk_id, idx) in (select * from unnest($1::uuid[], $2::integer[]))
order by chunk_id, idx for update`

/**
 * Locks the commands of these refs; null when some of them moved into another chunk meanwhile, which was not locked. With `mayEnd`
 * the partitions of their chunks are held as well.
 */
export async function holdCommands(
  db: Database,
  tx: Transaction,
  refs: readonly CommandRef[],
  mayEnd: boolean,
): Promise<HeldCommands | null> {
  const asked = [refs.map(({ chunkId }) => chunkId), refs.map(({ index }) => index)]
  const places = await tx.queryAnew<Place>(PLACES, asked)
  const ordered = places.filter(({ partition }) => mayEnd && partition !== null)
  if (ordered.length > 0) {
    const values = [ordered.map(({ queue }) => queue), ordered.map(({ partition }) => partition)]
    await tx.query('select @.lock_partitions_1($1::text[], $2::integer[])', values)
  }
  const chunks = await tx.queryAnew<ChunkRecord>(LOCK_CHUNKS, [db.now(), places.map(({ seq }) => seq)])
  const rows = await tx.queryAnew<RowRecord>(LOCK_ROWS, asked)
  const bySeq = new Map(chunks.map((chunk) => [chunk.seq, chunk]))
  if (rows.some(({ carrier }) => carrier !== null && !bySeq.has(carrier))) return null
  return heldCommands(bySeq, rows)
}

function heldCommands(bySeq: ReadonlyMap<number, ChunkRecord>, rows: readonly RowRecord[]): HeldCommands {
  const submitted = [...bySeq.values()].filter(({ promoted }) => !promoted)
  const families = new Map(submitted.map((chunk) => [chunkIdOf(chunk.id), familyOf(chunk, rows, bySeq)]))
  const seqs = new Map(submitted.map((chunk) => [chunkIdOf(chunk.id), chunk.seq]))
  const overs = new Map([...bySeq].map(([seq, { skip }]) => [seq, new Set(skip)]))
  const members = new Map<number, Map<string, number>>()

  function placeIn(carrier: ChunkRecord, id: string): number {
    let places = members.get(carrier.seq)
    if (places === undefined) {
      const carried = JSON.parse(carrier.members as string) as ChunkMember[]
      places = new Map(carried.map((member, place) => [member.id, place]))
      members.set(carrier.seq, places)
    }
    return places.get(id) as number
  }

  function seat(chunk: ChunkRecord, index: number): Seat {
    return { seq: chunk.seq, size: chunk.size, over: overs.get(chunk.seq) as Set<number>, index }
  }

  const originOf = ({ family }: StoredCommand): number => seqs.get(family.id) as number
  return {
    now: submitted[0]?.now ?? 0,
    find: ({ chunkId, index }) => families.get(chunkId)?.command(index) ?? null,
    originOf,
    seatOf(command) {
      const { family, index, row } = command
      if (row === null) return seat(bySeq.get(originOf(command)) as ChunkRecord, index)
      if (row.carrier === null) return null
      const carrier = bySeq.get(row.carrier) as ChunkRecord
      return seat(carrier, placeIn(carrier, commandId(family.id, index)))
    },
  }
}

function familyOf(
  chunk: ChunkRecord,
  rows: readonly RowRecord[],
  bySeq: ReadonlyMap<number, ChunkRecord>,
): Family {
  const own = rows.filter(({ chunk_id }) => chunk_id === chunk.id)
  return new Family({
    ...chunk,
    rows: own.map((row) => {
      const carrier = row.carrier === null ? undefined : bySeq.get(row.carrier)
      return { ...row, carrier_state: carrier?.state ?? null, carrier_expiries: carrier?.expiries ?? null }
    }),
    results: null,
    payloads: null,
  })
}
