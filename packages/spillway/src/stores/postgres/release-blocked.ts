// Letting go of commands that waited for an earlier one of their ordering key. Whoever ends a command does not look for those that
// waited for it: this does, key by key, and so finds also what a crash or an operator left behind. One call looks at a bounded number
// of keys, and the next one goes on behind them.

import { type Database, nowSql } from './database.js'

/** Keys that one call looks at. */
const KEYS_MAX = 500

/** A seq that no chunk reaches. */
const AFTER_ALL = '9223372036854775807'

/** Of a row that waits; expressions as the indexes have them. */
const LINE = "queue, coalesce(partition, -1), coalesce(ordering_key, '')"
const KEY = `queue, coalesce(partition, -1) as partition, coalesce(ordering_key, '') as ordering_key`

const nextKey = (after: string): string => `
  select ${KEY} from @.parked where state = 'blocked' and (${LINE}) > (${after}) order by ${LINE} limit 1`

const ofKey = (key: string): string =>
  `queue = ${key}.queue and coalesce(partition, -1) = ${key}.partition and coalesce(ordering_key, '') = ${key}.ordering_key`

const BEFORE_HOLDER = `state = 'blocked' and ${ofKey('holders')}
      and (origin, idx) < (coalesce(holders.origin, ${AFTER_ALL}), coalesce(holders.idx, 0))`

// Reads the index of those that wait in jumps from key to key, and of each key only what may go: a hundred thousand that wait behind
// one command cost as little as one. Keys of which some may go share what one call lets go.
const RELEASE = `
with recursive steps as (
  (${nextKey('$2, $3::integer, $4')})
  union all
  select next.* from steps cross join lateral (${nextKey('steps.queue, steps.partition, steps.ordering_key')}) next
), keys as materialized (
  select *, row_number() over () as nth from steps limit $5
), holders as (
  select keys.*, holder.origin, holder.idx from keys left join lateral (
    select origin, idx from @.parked
    where ordering_key is not null and state in ('retrying', 'reconciling', 'pending', 'compensating', 'promoted', 'dead')
      and ${ofKey('keys')}
    order by origin, idx limit 1
  ) holder on true
), free as materialized (
  select holders.* from holders cross join lateral (
    select 1 from @.parked where ${BEFORE_HOLDER} order by origin, idx limit 1
  ) first
), chosen as materialized (
  select freed.chunk_id, freed.idx from free holders cross join lateral (
    select chunk_id, idx from @.parked
    where ${BEFORE_HOLDER}
    order by origin, idx limit (select greatest(1, $6::bigint / count(*)) from free)
  ) freed limit $6
), held as materialized (
  select chunk_id, idx from @.parked where (chunk_id, idx) in (select chunk_id, idx from chosen) and state = 'blocked'
  order by chunk_id, idx for update skip locked
), released as (
  update @.parked set state = 'retrying', due_at = (select ${nowSql(1)})
  from held where parked.chunk_id = held.chunk_id and parked.idx = held.idx
)
select queue, partition, ordering_key as "orderingKey", nth = $5 as "isLast" from keys order by nth desc limit 1`

interface LastKey {
  readonly queue: string
  readonly partition: number
  readonly orderingKey: string
  /** There may be more behind it. */
  readonly isLast: boolean
}

/** Sorts before every key. */
const START: LastKey = { queue: '', partition: -2, orderingKey: '', isLast: false }

/** Lets go of at most `limit` commands: they become `retrying`, due now. */
export function newRelease(db: Database): (limit: number) => Promise<void> {
  async function releaseAfter(
    { queue, partition, orderingKey }: LastKey,
    limit: number,
  ): Promise<LastKey | null> {
    const values = [db.now(), queue, partition, orderingKey, KEYS_MAX, limit]
    const [last] = await db.queryAnew<LastKey>(RELEASE, values)
    return last ?? null
  }

  let after = START
  return async (limit) => {
    const last = (await releaseAfter(after, limit)) ?? (await releaseAfter(START, limit))
    after = last?.isLast === true ? last : START
  }
}
