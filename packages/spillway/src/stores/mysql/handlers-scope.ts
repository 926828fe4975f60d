// The settlement's transaction as a handler sees it. Whoever takes the connection itself could end the transaction with it: then a
// savepoint is set first, and must still be there at the end. A handler that only writes through `write` costs no round trip more.

import type { SettleScope } from '../../ports/index.js'
import type { BulkWriter } from './bulk-write.js'
import type { OpenConnection } from './connection.js'
import { type HandlersTx, handlersTx, type MysqlTx, usedTooLate } from './handlers-tx.js'
import { newSavepoints, transactionEnded } from './savepoints.js'

export interface HandlersScope {
  readonly scope: SettleScope<MysqlTx>
  /** The handler has returned: the connection is no longer its own. Rejects when the transaction is not the one it began in. */
  end(): Promise<void>
  /** The handler has thrown: what to reject with. */
  fail(error: unknown): unknown
}

const GUARD = 'spillway_guard'

export function newHandlersScope(
  connection: OpenConnection,
  bulkWriter: BulkWriter,
  place: string,
): HandlersScope {
  const savepoints = newSavepoints(connection, place)
  let taken: HandlersTx | null = null
  let over = false
  let guarded: Promise<boolean> = Promise.resolve(true)

  function take(): MysqlTx {
    if (over) throw usedTooLate('scope')
    if (taken === null) {
      // Sent before anything the handler sends.
      guarded = savepoints.send([`savepoint ${GUARD}`])
      guarded.catch(() => {})
      connection.lend()
      taken = handlersTx(connection.driver)
    }
    return taken.tx
  }

  function takeBack(): void {
    over = true
    taken?.revoke()
  }

  async function isGuardThere(): Promise<boolean> {
    return taken === null || ((await guarded) && (await savepoints.send([`release savepoint ${GUARD}`])))
  }

  return {
    scope: {
      get tx() {
        return take()
      },
      savepoint: <T>(part: () => T) => savepoints.around(part) as T,
      async write(bulk) {
        if (over) throw usedTooLate('scope')
        await bulkWriter.write(connection, bulk)
      },
    },
    async end() {
      takeBack()
      try {
        if (!(await isGuardThere())) throw transactionEnded(undefined)
      } finally {
        savepoints.close()
      }
    },
    fail(error) {
      takeBack()
      savepoints.close()
      return savepoints.explain(error)
    },
  }
}
