// What the holder of an ordered chunk must know: per ordering key the first row that its later commands wait for. Blocked rows
// count too, or a command could overtake one that was not let go yet.

import type { Blocker } from '../../domain/index.js'
import type { SqliteTx } from './client.js'
import { BLOCKED, BY_LANE, FIRST_LANE, HOLDING, LAST_LANE } from './lanes.js'

/** `seq` is of the chunk: the rows that it carries itself hold nobody up. */
export type Blockers = (queue: string, partition: number, seq: number) => Blocker[]

interface Row {
  readonly ordering_key: string
  readonly seq: number
  readonly idx: number
}

export function prepareBlockers(db: SqliteTx): Blockers {
  const holding = db.prepare(firstOfEachLane(HOLDING, ''))
  const blocked = db.prepare(firstOfEachLane(BLOCKED, BY_LANE))
  return (queue, partition, seq) => {
    const first = new Map<string, Row>()
    for (const rows of [holding, blocked]) {
      for (const row of rows.all(queue, partition, seq) as Row[]) {
        const before = first.get(row.ordering_key)
        if (before === undefined || isBefore(row, before)) first.set(row.ordering_key, row)
      }
    }
    return [...first.values()].map(({ ordering_key: orderingKey, ...row }) => ({
      orderingKey,
      place: [row.seq, row.idx],
    }))
  }
}

/** From lane to lane by the index, however many rows each has. */
function firstOfEachLane(which: string, index: string): string {
  return `
with recursive lanes (lane) as (
  select (select min(lane) from spillway_parked ${index} where ${which} and lane > ${FIRST_LANE} and lane < ${LAST_LANE})
  union all
  select (select min(later.lane) from spillway_parked later ${index}
      where ${which} and later.lane > lanes.lane and later.lane < ${LAST_LANE})
  from lanes where lanes.lane is not null
)
select ordering_key, seq, idx
from lanes cross join spillway_parked parked on parked.rowid = (
  select rowid from spillway_parked
  where ${which} and lane = lanes.lane and carrier is not ?3 order by seq, idx limit 1)
where lanes.lane is not null`
}

function isBefore(a: Row, b: Row): boolean {
  return a.seq === b.seq ? a.idx < b.idx : a.seq < b.seq
}
