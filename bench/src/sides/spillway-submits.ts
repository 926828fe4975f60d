// Spillway with its defaults: intake and worker in one process, idempotency keys on, synchronous FULL. Its worker lands
// the events in the same table of the same file.

import { openTable } from '../database.js'
import { secondsSince, withCallers } from '../measure.js'
import { openSpillway } from '../open-spillway.js'
import { recordWatch } from '../watch-event.js'
import type { OpenSide } from './side.js'

export const spillwaySubmits: OpenSide = async (file) => {
  openTable(file).close()
  const spillway = await openSpillway(file)
  return {
    async run(load) {
      const startedAt = performance.now()
      const ack = await withCallers(load, (event) => spillway.submit(recordWatch, event))
      await spillway.drain()
      return { ...ack, landedPerSecond: load.events.length / secondsSince(startedAt) }
    },
    close: () => spillway.close(),
  }
}
