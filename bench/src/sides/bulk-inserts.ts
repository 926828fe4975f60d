// Side (b): the limit. Whoever has all rows at hand writes 500 of them per transaction and asks no queue.

import { openTable } from '../database.js'
import { percentiles, secondsSince } from '../measure.js'
import { insertSql, rowOf, type WatchEvent } from '../watch-event.js'
import type { OpenSide } from './side.js'

const TRANSACTION_ROWS = 500
/** The fastest statement size on SQLite, and it divides 500. */
const STATEMENT_ROWS = 50

export const bulkInserts: OpenSide = async (file) => {
  const database = openTable(file)
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const insertMany = database.prepare(insertSql(STATEMENT_ROWS))
  const insertOne = database.prepare(insertSql(1))
  const write = (events: readonly WatchEvent[]) => {
    begin.run()
    let next = 0
    for (; next + STATEMENT_ROWS <= events.length; next += STATEMENT_ROWS) {
      insertMany.run(...events.slice(next, next + STATEMENT_ROWS).flatMap(rowOf))
    }
    for (; next < events.length; next++) insertOne.run(...rowOf(events[next] as WatchEvent))
    commit.run()
  }
  return {
    async run({ events }) {
      const durationsMs = new Float64Array(Math.ceil(events.length / TRANSACTION_ROWS))
      const startedAt = performance.now()
      for (let batch = 0; batch < durationsMs.length; batch++) {
        const batchStartedAt = performance.now()
        write(events.slice(batch * TRANSACTION_ROWS, (batch + 1) * TRANSACTION_ROWS))
        durationsMs[batch] = performance.now() - batchStartedAt
      }
      const landedPerSecond = events.length / secondsSince(startedAt)
      return { ...percentiles(durationsMs), landedPerSecond, landedAtLastAck: 1 }
    },
    close: async () => database.close(),
  }
}
