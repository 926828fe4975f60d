// What most services do today, without Spillway: the request waits for its own INSERT and its own commit. The driver is
// synchronous, so requests that arrive together are served one after the other, each in its own turn.

import { setImmediate as turn } from 'node:timers/promises'
import { openDatabase } from '../platform-database.js'
import { createPlatformTables, recordClicksInTransaction } from '../platform-tables.js'
import type { Pattern } from './pattern.js'

export const syncPattern: Pattern = {
  name: 'sync',
  summary: 'INSERT and commit per request',
  async open(file) {
    const database = openDatabase(file)
    createPlatformTables(database)
    return {
      async record(click) {
        await turn()
        recordClicksInTransaction(database, [click])
      },
      settled: async () => {},
      close: async () => database.close(),
    }
  },
}
