// Side (a): what most services do, one INSERT and one commit per request. Requests that arrive together wait for each
// other because the driver is synchronous: their time counts from their arrival, as it does on the other side.

import { openTable } from '../database.js'
import { secondsSince, withCallers } from '../measure.js'
import { insertSql, rowOf, type WatchEvent } from '../watch-event.js'
import type { OpenSide } from './side.js'

export const singleInserts: OpenSide = async (file) => {
  const database = openTable(file)
  const insert = database.prepare(insertSql(1))
  const write = (event: WatchEvent) => insert.run(...rowOf(event))
  return {
    async run(load) {
      // A lone caller has nobody before it and need not wait for its turn.
      const request = load.callers === 1 ? async (event: WatchEvent) => write(event) : inTurn(write)
      const startedAt = performance.now()
      const ack = await withCallers(load, request)
      return { ...ack, landedPerSecond: load.events.length / secondsSince(startedAt), landedAtLastAck: 1 }
    },
    close: async () => database.close(),
  }
}

function inTurn(write: (event: WatchEvent) => unknown): (event: WatchEvent) => Promise<void> {
  return (event) =>
    new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          write(event)
          resolve()
        } catch (error) {
          reject(error)
        }
      })
    })
}
