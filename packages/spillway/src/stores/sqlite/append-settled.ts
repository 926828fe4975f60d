// Chunks that are stored as settled, with the rows they come to, in one transaction: on the connection of appends, because whoever
// submitted them is answered after its commit. Nobody waits here for the application's table: all tables share the one lock that any
// append waits for, so `lockWaitMs` would only send the chunks to wait for it elsewhere.

import { type ChunkDraft, isDefaultSettings } from '../../domain/index.js'
import { type BulkWrite, canSettleAtOnce } from '../../ports/index.js'
import type { Appender } from './append.js'
import { prepareBulkWriter } from './bulk-write.js'
import type { SqliteTx } from './client.js'
import { onBehalfOfHandler } from './errors.js'
import { prepareSettings } from './queues.js'

/** Inside a write transaction. Returns when they were stored; throws `MoreToSay` to have it undone. */
export type SettledAppender = (drafts: readonly ChunkDraft[], rows: BulkWrite, now: number) => number

/** Thrown to roll back a call whose chunks have to go the long way. */
export class MoreToSay extends Error {
  constructor() {
    super('there is more to say of these chunks than that they succeeded')
  }
}

export function prepareSettledAppender(db: SqliteTx, appender: Appender, path: string): SettledAppender {
  const bulkWriter = prepareBulkWriter(db, path)
  const settings = prepareSettings(db)

  function isHeldBack(drafts: readonly ChunkDraft[]): boolean {
    const queues = new Set(drafts.map(({ queue }) => queue))
    return [...queues].some((queue) => !isDefaultSettings(settings.of(queue)))
  }

  return (drafts, rows, now) => {
    const isPlain = canSettleAtOnce(drafts, rows) && !isHeldBack(drafts)
    if (!isPlain || !appender.appendSettled(drafts, now)) throw new MoreToSay()
    onBehalfOfHandler(() => bulkWriter.write(rows))
    return now
  }
}
