// Letting go of blocked rows that nobody holds up any more. Whoever ends a command does not look after those behind it: the key may
// become free at the moment a worker finds it blocked. Instead all lanes with blocked rows are looked at in turn, some by each call.

import type { SqliteTx } from './client.js'
import { BLOCKED, BY_LANE, HOLDING } from './lanes.js'

export interface Unblocking {
  /** Whether some row can go. Inside a read transaction. */
  any(): boolean
  /** Lets go of at most `limit`; inside a write transaction. */
  letGo(limit: number, now: number): void
}

/** Lanes that one call looks at: some 5 ms. The next one goes on after them. */
const LANES_MAX = 1_000

interface Lane {
  readonly lane: string
  readonly free: number
}

interface Place {
  readonly seq: number
  readonly idx: number
}

/** Lanes after ?1, each with whether its first blocked row can go: one look into either index per lane. */
const LANES = `
with recursive lanes (lane, place) as (
  select (select min(lane) from spillway_parked ${BY_LANE} where ${BLOCKED} and lane > ?1), 1
  union all
  select (select min(later.lane) from spillway_parked later ${BY_LANE} where ${BLOCKED} and later.lane > lanes.lane), place + 1
  from lanes where lanes.lane is not null and place < ${LANES_MAX}
)
select lane, not exists (
    select 1 from spillway_parked
    where ${HOLDING} and lane = lanes.lane and (seq, idx) < (
      select first.seq, first.idx from spillway_parked first
      where first.state = 'blocked' and first.lane = lanes.lane order by first.seq, first.idx limit 1)) as free
from lanes where lane is not null`

const NOBODY: Place = { seq: Number.MAX_SAFE_INTEGER, idx: 0 }

export function prepareUnblocking(db: SqliteTx): Unblocking {
  const lanesAfter = db.prepare(LANES)
  const firstHolding = db.prepare(
    `select seq, idx from spillway_parked where ${HOLDING} and lane = ?1 order by seq, idx limit 1`,
  )
  const release = db.prepare(`
    update spillway_parked set state = 'retrying', next_at = ?5 where rowid in (
      select rowid from spillway_parked
      where ${BLOCKED} and lane = ?1 and (seq, idx) < (?2, ?3) order by seq, idx limit ?4)`)
  let looked = ''

  function goOn(lanes: readonly Lane[]): void {
    looked = lanes.length < LANES_MAX ? '' : (lanes.at(-1) as Lane).lane
  }

  return {
    any() {
      const lanes = lanesAfter.all(looked) as Lane[]
      if (lanes.some(({ free }) => free === 1)) return true
      goOn(lanes)
      return false
    },
    letGo(limit, now) {
      const lanes = lanesAfter.all(looked) as Lane[]
      let left = limit
      for (const { lane, free } of lanes) {
        if (free === 0) continue
        if (left <= 0) return
        const { seq, idx } = (firstHolding.get(lane) as Place | undefined) ?? NOBODY
        left -= Number(release.run(lane, seq, idx, left, now).changes)
      }
      goOn(lanes)
    },
  }
}
