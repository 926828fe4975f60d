// The connection as a handler gets it: statements yes, ending the transaction no, and nothing any more once the call is over. What
// goes past this, a COMMIT in SQL text, is found out when the savepoint around the handler turns out to be gone.

import type { Connection as Driver } from 'mysql2'
import type { Connection as PromiseDriver } from 'mysql2/promise'
import { SpillwayError } from '../../errors/index.js'

/** What a handler gets as `ctx.tx`: a connection of mysql2/promise, inside the settlement's transaction. */
export type MysqlTx = PromiseDriver

export interface HandlersTx {
  readonly tx: MysqlTx
  /** Whatever is called on it from now on is refused. */
  revoke(): void
}

/** Methods that would end the transaction, or the connection, or tie it to something else. */
const FORBIDDEN: ReadonlySet<string | symbol> = new Set([
  'beginTransaction',
  'commit',
  'rollback',
  'end',
  'destroy',
  'close',
  'release',
  'reset',
  'changeUser',
  'connection',
])

export function handlersTx(driver: Driver): HandlersTx {
  let revoked = false
  const tx: MysqlTx = new Proxy(driver.promise(), {
    get(target, name) {
      if (FORBIDDEN.has(name)) throw endsWithSettlement(String(name))
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...values: unknown[]) => {
        if (revoked) throw usedTooLate('ctx.tx')
        return Reflect.apply(member, target, values)
      }
    },
  })
  return {
    tx,
    revoke() {
      revoked = true
    },
  }
}

function endsWithSettlement(name: string): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `ctx.tx.${name} is not for handlers: the settlement ends the transaction. Use ctx.savepoint to undo a part.`,
  )
}

/** `what` was given to the handler and is not its own any more. */
export function usedTooLate(what: string): SpillwayError {
  return new SpillwayError(
    'invalid_argument',
    `${what} is over: its transaction ended with the handler. Await everything before the handler returns.`,
  )
}
