// How many more chunks of a queue may be leased now.

import type { SqliteTx } from './client.js'
import { prepareSettings } from './queues.js'

/** At most `chunksMax`; 0 or less when there is none. Inside any transaction. */
export type Room = (queue: string, chunksMax: number, now: number) => number

export function prepareRoom(db: SqliteTx): Room {
  const settings = prepareSettings(db)
  const countLeased = db.prepare(
    "select count(*) as leased from spillway_chunks where state = 'leased' and queue = ?1 and lease_expires_at > ?2",
  )
  return (queue, chunksMax, now) => {
    const { paused, leasesMax } = settings.of(queue)
    if (paused) return 0
    if (leasesMax === null) return chunksMax
    const { leased } = countLeased.get(queue, now) as { leased: number }
    return Math.min(chunksMax, leasesMax - leased)
  }
}
