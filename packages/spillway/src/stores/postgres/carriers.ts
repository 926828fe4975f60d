// Chunks that carry parked commands to the workers: what is written when they are loaded. Their rows stay the truth about the commands,
// and keep their state's name unless it is their turn to be executed.

import { type ChunkMember, commandId, encodeBody } from '../../domain/index.js'
import type { Passenger } from './boarding.js'
import { nowSql, type Transaction } from './database.js'
import { chunkIdOf } from './stored-commands.js'

export interface Carrier {
  readonly id: string
  /** With the same destination, at least one. */
  readonly passengers: readonly Passenger[]
}

const LOAD = `
with clock as materialized (select (select ${nowSql(1)}) as now),
given as materialized (
  select * from unnest($2::uuid[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::integer[]) with ordinality
    as given (id, queue, type, priority, partition, tenant, stage, codec, body, members, size, place)
), carriers as (
  insert into @.chunks (id, queue, type, priority, partition, tenant, stage, codec, state, blocked, promoted, size, accepted,
    live, bytes, created_at, ended_at)
  select id, queue, type, priority, partition, tenant, stage, codec, 'ready',
    partition is not null and (
      exists (
        select 1 from @.chunks older
        where older.queue = given.queue and older.partition = given.partition and older.partition is not null
          and older.state <> 'done')
      or exists (
        select 1 from given earlier
        where earlier.queue = given.queue and earlier.partition = given.partition and earlier.place < given.place)),
    true, size, 0, size, octet_length(body), now, now
  from given, clock order by place
  returning seq, id, stage
), loads as (
  insert into @.bodies (seq, body, members) select seq, body, members from carriers join given using (id)
)
update @.parked
set state = case when carriers.stage is null then 'promoted' else parked.state end, next_at = null, due_at = null,
  carrier = carriers.seq
from unnest($13::uuid[], $14::integer[], $15::uuid[]) as passengers (chunk_id, idx, carrier_id)
join carriers on carriers.id = passengers.carrier_id
where parked.chunk_id = passengers.chunk_id and parked.idx = passengers.idx`

export async function load(tx: Transaction, now: number | null, carriers: readonly Carrier[]): Promise<void> {
  const firsts = carriers.map(({ passengers }) => passengers[0] as Passenger)
  const boarded = carriers.flatMap(({ id, passengers }) => passengers.map((passenger) => ({ id, passenger })))
  await tx.queryAnew(LOAD, [
    now,
    carriers.map(({ id }) => id),
    firsts.map(({ queue }) => queue),
    firsts.map(typeOf),
    firsts.map(({ priority }) => priority),
    firsts.map(({ partition }) => partition),
    firsts.map(({ tenant }) => tenant),
    firsts.map(({ stage }) => stage),
    firsts.map(({ codec }) => codec),
    carriers.map(({ passengers }) => encodeBody(passengers.map(({ payload }) => payload))),
    carriers.map(({ passengers }) => JSON.stringify(passengers.map(memberOf))),
    carriers.map(({ passengers }) => passengers.length),
    boarded.map(({ passenger }) => passenger.chunk_id),
    boarded.map(({ passenger }) => passenger.idx),
    boarded.map(({ id }) => id),
  ])
}

/** With a mark that keeps those from claiming it who would execute it, see migrations/0006-stages.ts. */
function typeOf({ type, stage }: Passenger): string {
  return stage === null ? type : `${type}\n`
}

function memberOf(passenger: Passenger): ChunkMember {
  const { chunk_id, idx, origin, partition, attempts, accepted_at, memo, ordering_key } = passenger
  return {
    id: commandId(chunkIdOf(chunk_id), idx),
    attempts,
    acceptedAt: accepted_at,
    memo,
    place: partition === null ? null : [origin, idx],
    orderingKey: ordering_key,
  }
}
