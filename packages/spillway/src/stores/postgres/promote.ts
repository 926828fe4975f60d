// Moving parked commands whose time has come into fresh chunks, so that retries travel the same path as everything else. Any
// number of maintainers share the work: each takes due rows that nobody else holds.

import { CHUNK_BYTES_MAX } from '../../domain/index.js'
import type { PromoteRequest } from '../../ports/index.js'
import { board, type Passenger, type Place } from './boarding.js'
import { type Carrier, load } from './carriers.js'
import { type Database, nowSql } from './database.js'
import { newRelease } from './release-blocked.js'

/** Evaluated once, so that an index can be searched for it. */
const NOW = `(select ${nowSql(1)})`

/** Places of due commands, and whether there is anything else to do: what is asked again and again while there is nothing. */
const LOOK = `
select 'due' as kind, queue, partition from (
  select queue, partition from @.parked
  where due_at <= ${NOW} and due_at is not null
    and state in ('scheduled', 'retrying', 'reconciling', 'pending', 'compensating')
  order by due_at, origin, idx limit $2
) due group by queue, partition
union all (select 'blocked', null, null from @.parked where state = 'blocked' order by queue limit 1)
union all (
  select 'foreign', null, null from @.parked where next_at <= ${NOW} and next_at is not null order by next_at limit 1)`

/** What a release without stages parked, see migrations/0006-stages.ts. */
const ADOPT = `
update @.parked set due_at = parked.next_at, next_at = null
from (
  select chunk_id, idx from @.parked where next_at <= ${NOW} and next_at is not null
  order by next_at, chunk_id, idx limit $2 for update skip locked
) foreigners
where parked.chunk_id = foreigners.chunk_id and parked.idx = foreigners.idx`

type Seen =
  | ({ readonly kind: 'due' } & Place)
  | { readonly kind: 'blocked' | 'foreign'; readonly queue: null; readonly partition: null }

export function newPromoter(db: Database): (request: PromoteRequest) => Promise<number> {
  const release = newRelease(db)

  function look(limit: number): Promise<Seen[]> {
    return db.queryAnew<Seen>(LOOK, [db.now(), limit])
  }

  /** Places of what is due once those are who only waited for others. */
  async function placesOf(limit: number): Promise<Place[]> {
    const seen = await look(limit)
    const kinds = new Set(seen.map(({ kind }) => kind))
    if (kinds.has('blocked')) await release(limit)
    if (kinds.has('foreign')) await db.queryAnew(ADOPT, [db.now(), limit])
    const latest = kinds.has('blocked') || kinds.has('foreign') ? await look(limit) : seen
    return latest.filter((one) => one.kind === 'due')
  }

  return async (request) => {
    const { limit } = request
    const places = await placesOf(limit)
    if (places.length === 0) return 0
    return db.transaction(async (tx, hints) => {
      const passengers = await board(tx, { now: db.now(), limit, places })
      const carriers = carriersOf(passengers, request)
      if (carriers.length > 0) await load(tx, db.now(), carriers)
      for (const { passengers: carried } of carriers)
        hints.add((carried[0] as Passenger).queue, carried.length)
      return passengers.length
    })
  }
}

function carriersOf(
  passengers: readonly Passenger[],
  { chunkCommandsMax, newChunkId }: PromoteRequest,
): Carrier[] {
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
function destination({ queue, type, priority, partition, tenant, stage, codec }: Passenger): string {
  return JSON.stringify([queue, type, priority, partition, tenant, stage, codec])
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
