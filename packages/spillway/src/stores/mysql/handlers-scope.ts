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
  let guarded: Promise<boolean> | null = null
  let depth = 0

  /** Sent before anything the handler sends from then on. */
  function guard(): void {
    guarded = savepoints.send([`savepoint ${GUARD}`])
    guarded.catch(() => {})
  }

  /** Within a savepoint that one is the guard; releasing it would take a later one along. */
  async function enclosed<T>(part: () => T): Promise<unknown> {
    depth += 1
    try {
      return await savepoints.around(part)
    } finally {
      depth -= 1
      if (depth === 0 && taken !== null && guarded === null && !over) guard()
    }
  }

  function take(): MysqlTx {
    if (over) throw usedTooLate('scope')
    if (taken === null) {
      if (depth === 0) guard()
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
    return guarded === null || ((await guarded) && (await savepoints.send([`release savepoint ${GUARD}`])))
  }

  return {
    scope: {
      get tx() {
        return take()
      },
      savepoint: <T>(part: () => T) => enclosed(part) as T,
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
