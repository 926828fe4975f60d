// The due commands of one promotion, locked, with what they need for their next turn.

import { CHUNK_BYTES_MAX, type Codec, type Stage } from '../../domain/index.js'
import { nowSql, type Transaction } from './database.js'

export interface Place {
  readonly queue: string
  readonly partition: number | null
}

/** A due command with its payload. */
export interface Passenger extends Place {
  readonly chunk_id: string
  readonly idx: number
  /** seq of the chunk it was submitted in. */
  readonly origin: number
  readonly type: string
  readonly priority: number
  /** Empty = none. */
  readonly tenant: string
  /** Null = execute. */
  readonly stage: Stage | null
  readonly attempts: number
  readonly accepted_at: number
  readonly memo: string | null
  readonly ordering_key: string | null
  readonly codec: Codec
  readonly payload: string
}

export interface BoardRequest {
  readonly now: number | null
  readonly limit: number
  /** Commands of partitions that are not among them stay due. */
  readonly places: readonly Place[]
}

const NOW = `(select ${nowSql(1)})`

/** Bytes of bodies that one call takes payloads from, beyond the first: commands of the others stay due. */
const BODY_BYTES_MAX = 2 * CHUNK_BYTES_MAX

// Each body is taken apart once, whatever the number of its commands that are due: hence the materialized steps.
const BOARD = `
with due as materialized (
  select chunk_id, idx, origin, queue, type, priority, partition, stage, attempts, accepted_at, due_at, memo, ordering_key,
    payload
  from @.parked
  where due_at <= ${NOW} and due_at is not null
    and state in ('scheduled', 'retrying', 'reconciling', 'pending', 'compensating')
    and (partition is null or (queue, partition) in (select * from unnest($3::text[], $4::integer[])))
  order by due_at, origin, idx limit $2
  for update skip locked
), families as (
  select origin, array_agg(idx) as indexes, min(due_at) as since, coalesce(sum(octet_length(payload)), 0) as edited
  from due group by origin
), chosen as materialized (
  select origin, indexes from (
    select families.*, row_number() over oldest_first as rank,
      sum(octet_length(bodies.body) + edited) over oldest_first as bytes
    from families join @.bodies on bodies.seq = origin window oldest_first as (order by since, origin)
  ) ranked where rank = 1 or bytes <= $5::bigint
), payloads as materialized (
  select chosen.origin, entries.position - 1 as idx, entries.value::text as payload
  from chosen join @.bodies on bodies.seq = chosen.origin
  cross join lateral json_array_elements(bodies.body::json) with ordinality entries (value, position)
  where entries.position - 1 = any(chosen.indexes)
)
select due.chunk_id, due.idx, due.origin, due.queue, due.type, due.priority, due.partition, due.stage, due.attempts,
  due.accepted_at::float8 as accepted_at, due.memo, due.ordering_key, origins.tenant, origins.codec,
  coalesce(due.payload, payloads.payload) as payload
from due
join payloads using (origin, idx)
join @.chunks origins on origins.seq = due.origin
order by due.due_at, due.origin, due.idx`

/** The partitions are held from here on, so that whoever looks finds each of their chunks in line. */
export async function board(tx: Transaction, { now, limit, places }: BoardRequest): Promise<Passenger[]> {
  const ordered = places.filter(({ partition }) => partition !== null)
  const queues = ordered.map(({ queue }) => queue)
  const partitions = ordered.map(({ partition }) => partition as number)
  if (queues.length > 0) await tx.query('select @.lock_partitions_1($1, $2)', [queues, partitions])
  return tx.queryAnew<Passenger>(BOARD, [now, limit, queues, partitions, BODY_BYTES_MAX])
}
