// What most services do today, without Spillway: the request waits for its own INSERT and its own commit.

import { openStorage } from '../storage/index.js'
import type { Pattern } from './pattern.js'

export const syncPattern: Pattern = {
  ...{ name: 'sync', summary: 'INSERT and commit per request', broker: null, hasAgent: false },
  async open({ database }) {
    const { tables, close } = await openStorage(database)
    await tables.create()
    return {
      record: (click) => tables.recordAlone([click]),
      settled: async () => {},
      close,
    }
  },
}
