// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else. Any
// number of maintainers share the work: each takes due rows that nobody else holds.

import { CHUNK_BYTES_MAX, type ChunkMember, type Codec, commandId, encodeBody } from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { type Database, nowSql, type Transaction } from './database.js'
import type { Hints } from './hints.js'
import { chunkIdOf } from './stored-commands.js'

/** Evaluated once, so that an index can be searched for it. */
const NOW = `(select ${nowSql(1)})`

/** Bytes of bodies that one call takes payloads from, beyond the first: commands of the others stay due. */
const BODY_BYTES_MAX = 2 * CHUNK_BYTES_MAX

/** Places of due commands: what is asked again and again while there are none. */
const PLACES = `
select queue, partition from (
  select queue, partition from @.parked where next_at <= ${NOW} and next_at is not null
  order by next_at, chunk_id, idx limit $2
) due group by queue, partition`

interface Place {
  readonly queue: string
  readonly partition: number | null
}

// Each body is taken apart once, whatever the number of its commands that are due: hence the materialized steps.
const BOARD = `
with due as materialized (
  select chunk_id, idx, origin, queue, type, priority, partition, attempts, accepted_at, next_at from @.parked
  where next_at <= ${NOW} and next_at is not null
    and (partition is null or (queue, partition) in (select * from unnest($3::text[], $4::integer[])))
  order by next_at, chunk_id, idx limit $2
  for update skip locked
), families as (
  select origin, array_agg(idx) as indexes, min(next_at) as since from due group by origin
), chosen as materialized (
  select origin, indexes from (
    select families.*, row_number() over oldest_first as rank,
      sum(octet_length(bodies.body)::bigint) over oldest_first as bytes
    from families join @.bodies on bodies.seq = origin window oldest_first as (order by since, origin)
  ) ranked where rank = 1 or bytes <= $5::bigint
), payloads as materialized (
  select chosen.origin, entries.position - 1 as idx, entries.value::text as payload
  from chosen join @.bodies on bodies.seq = chosen.origin
  cross join lateral json_array_elements(bodies.body::json) with ordinality entries (value, position)
  where entries.position - 1 = any(chosen.indexes)
)
select due.chunk_id, due.idx, due.queue, due.type, due.priority, due.partition, due.attempts,
  due.accepted_at::float8 as accepted_at, origins.codec, payloads.payload
from due
join payloads using (origin, idx)
join @.chunks origins on origins.seq = due.origin
order by due.next_at, due.chunk_id, due.idx`

/** A due command with its payload. */
interface Passenger extends Place {
  readonly chunk_id: string
  readonly idx: number
  readonly type: string
  readonly priority: number
  readonly attempts: number
  readonly accepted_at: number
  readonly codec: Codec
  readonly payload: string
}

const LOAD = `
with clock as materialized (select ${NOW} as now),
given as materialized (
  select * from unnest($2::uuid[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::text[], $9::text[],
    $10::integer[]) with ordinality
    as given (id, queue, type, priority, partition, codec, body, members, size, place)
), carriers as (
  insert into @.chunks (id, queue, type, priority, partition, codec, state, blocked, promoted, size, accepted, live,
    created_at, ended_at)
  select id, queue, type, priority, partition, codec, 'ready',
    partition is not null and (
      exists (
        select 1 from @.chunks older
        where older.queue = given.queue and older.partition = given.partition and older.partition is not null
          and older.state <> 'done')
      or exists (
        select 1 from given earlier
        where earlier.queue = given.queue and earlier.partition = given.partition and earlier.place < given.place)),
    true, size, 0, size, now, now
  from given, clock order by place
  returning seq, id
), loads as (
  insert into @.bodies (seq, body, members) select seq, body, members from carriers join given using (id)
)
update @.parked set state = 'promoted', next_at = null, carrier = carriers.seq
from unnest($11::uuid[], $12::integer[], $13::uuid[]) as passengers (chunk_id, idx, carrier_id)
join carriers on carriers.id = passengers.carrier_id
where parked.chunk_id = passengers.chunk_id and parked.idx = passengers.idx`

interface Load {
  readonly id: string
  readonly passengers: readonly Passenger[]
}

export function newPromoter(db: Database): (request: PromoteRequest) => Promise<number> {
  async function board(
    tx: Transaction,
    request: PromoteRequest,
    places: readonly Place[],
  ): Promise<Passenger[]> {
    const [queues, partitions] = placesOf(places)
    if (queues.length > 0) await tx.query('select @.lock_partitions_1($1, $2)', [queues, partitions])
    return tx.queryAnew<Passenger>(BOARD, [db.now(), request.limit, queues, partitions, BODY_BYTES_MAX])
  }

  async function load(tx: Transaction, hints: Hints, loads: readonly Load[]): Promise<void> {
    await tx.queryAnew(LOAD, [db.now(), ...loadValues(loads)])
    for (const { passengers } of loads) hints.add((passengers[0] as Passenger).queue, passengers.length)
  }

  return async (request) => {
    const places = await db.queryAnew<Place>(PLACES, [db.now(), request.limit])
    if (places.length === 0) return 0
    return db.transaction(async (tx, hints) => {
      const passengers = await board(tx, request, places)
      if (passengers.length > 0) await load(tx, hints, loadsOf(passengers, request))
      return passengers.length
    })
  }
}

/** Those that have a partition. */
function placesOf(places: readonly Place[]): [queues: string[], partitions: number[]] {
  const ordered = places.filter(({ partition }) => partition !== null)
  return [ordered.map(({ queue }) => queue), ordered.map(({ partition }) => partition as number)]
}

function loadsOf(passengers: readonly Passenger[], { chunkCommandsMax, newChunkId }: PromoteRequest): Load[] {
  const groups = new Map<string, Passenger[]>()
  for (const passenger of passengers) {
    const group = groups.get(destination(passenger)) ?? []
    groups.set(destination(passenger), group)
    group.push(passenger)
  }
  return [...groups.values()].flatMap((group) =>
    [...splitByBounds(group, chunkCommandsMax)].map((chunk) => ({ id: newChunkId(), passengers: chunk })),
  )
}

/** A chunk has one of each. */
function destination({ queue, type, priority, partition, codec }: Passenger): string {
  return JSON.stringify([queue, type, priority, partition, codec])
}

function* splitByBounds(group: readonly Passenger[], commandsMax: number): Generator<Passenger[]> {
  let chunk: Passenger[] = []
  let bytes = 1
  for (const passenger of group) {
    const passengerBytes = Buffer.byteLength(passenger.payload) + 1
    const full = chunk.length >= commandsMax || bytes + passengerBytes > CHUNK_BYTES_MAX
    if (full && chunk.length > 0) {
      yield chunk
      chunk = []
      bytes = 1
    }
    chunk.push(passenger)
    bytes += passengerBytes
  }
  if (chunk.length > 0) yield chunk
}

function loadValues(loads: readonly Load[]): unknown[] {
  const firsts = loads.map(({ passengers }) => passengers[0] as Passenger)
  const boarded = loads.flatMap(({ id, passengers }) => passengers.map((passenger) => ({ id, passenger })))
  return [
    loads.map(({ id }) => id),
    firsts.map(({ queue }) => queue),
    firsts.map(({ type }) => type),
    firsts.map(({ priority }) => priority),
    firsts.map(({ partition }) => partition),
    firsts.map(({ codec }) => codec),
    loads.map(({ passengers }) => encodeBody(passengers.map(({ payload }) => payload))),
    loads.map(({ passengers }) => JSON.stringify(passengers.map(memberOf))),
    loads.map(({ passengers }) => passengers.length),
    boarded.map(({ passenger }) => passenger.chunk_id),
    boarded.map(({ passenger }) => passenger.idx),
    boarded.map(({ id }) => id),
  ]
}

function memberOf({ chunk_id, idx, attempts, accepted_at }: Passenger): ChunkMember {
  return { id: commandId(chunkIdOf(chunk_id), idx), attempts, acceptedAt: accepted_at }
}
