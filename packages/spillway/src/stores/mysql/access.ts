// What an open store is made of, and whether it is open: its parts exist from open() to close().

import { newAppender } from './append.js'
import { newAppendSettled } from './append-settled.js'
import { newBulkWriter } from './bulk-write.js'
import { type Connection, connect } from './connection.js'
import { newControl } from './control.js'
import { closedError, storeError } from './errors.js'
import { newKeyTables } from './key-tables.js'
import { newLeasedChunks } from './leased-chunks.js'
import { newNodes } from './nodes.js'
import type { StoreSettings } from './options.js'
import { newPromoter } from './promote.js'
import { newPruner } from './prune.js'
import { newQueueNames } from './queue-names.js'
import { assertUsable, readInstalled } from './schema.js'
import { assertServer, readServer } from './server.js'
import { openSession, type Session } from './session.js'
import { newShared } from './shared.js'
import type { Wake } from './wake.js'

/** What an open store is made of. */
export interface Parts extends ReturnType<typeof partsOf> {}

export interface Access {
  open(): Promise<void>
  close(): Promise<void>
  /** Throws `closed` unless the store is open. */
  parts(): Parts
}

function partsOf(session: Session, wake: Wake) {
  const tables = newKeyTables()
  const queueNames = newQueueNames()
  const bulkWriter = newBulkWriter(session.place)
  return {
    session,
    queueNames,
    appender: newAppender(tables, queueNames),
    appendSettled: newAppendSettled({ session, tables, queueNames, bulkWriter }),
    bulkWriter,
    leased: newLeasedChunks(),
    promote: newPromoter(session, wake),
    prune: newPruner(session),
    control: newControl(session, wake, queueNames),
    nodes: newNodes(session),
    shared: newShared(session),
  }
}

export function newAccess(settings: StoreSettings, wake: Wake): Access {
  const { place, synchronous } = settings
  let parts: Parts | null = null
  return {
    async open() {
      if (parts !== null) return
      await onConnection(settings, async (connection) => {
        assertServer(await readServer(connection), synchronous, place)
        assertUsable(await readInstalled(connection), place)
      })
      parts ??= partsOf(openSession(settings), wake)
    },
    async close() {
      const closing = parts
      parts = null
      await closing?.session.close()
    },
    parts() {
      if (parts === null) throw closedError(place)
      return parts
    },
  }
}

/** For what works on a store that is not open. */
export async function onConnection<T>(
  settings: StoreSettings,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    const connection = await connect({ ...settings, purpose: 'work' })
    try {
      return await work(connection)
    } finally {
      await connection.end()
    }
  } catch (error) {
    throw storeError(error, settings.place)
  }
}
