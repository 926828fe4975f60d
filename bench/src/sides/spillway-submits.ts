// Spillway with its defaults: intake and worker in one process, idempotency keys on, synchronous FULL. Its worker lands
// the events in the same table of the same file.

import { openTable } from '../database.js'
import { type Load, secondsSince, withCallers } from '../measure.js'
import { openSpillway } from '../open-spillway.js'
import { recordWatch } from '../watch-event.js'
import type { OpenSide } from './side.js'

export const spillwaySubmits: OpenSide = async (file) => {
  const table = openTable(file)
  const countLanded = table.prepare(
    'SELECT count(*) AS rows FROM watch_events WHERE event_id BETWEEN ? AND ?',
  )
  const landedShare = ({ events }: Load) => {
    const range = [events[0]?.eventId ?? '', events.at(-1)?.eventId ?? '']
    return (countLanded.get(...range) as { rows: number }).rows / events.length
  }
  const spillway = await openSpillway(file)
  return {
    async run(load) {
      const startedAt = performance.now()
      const ack = await withCallers(load, (event) => spillway.submit(recordWatch, event))
      const landedAtLastAck = landedShare(load)
      await spillway.drain()
      return { ...ack, landedPerSecond: load.events.length / secondsSince(startedAt), landedAtLastAck }
    },
    async close() {
      await spillway.close()
      table.close()
    },
  }
}
