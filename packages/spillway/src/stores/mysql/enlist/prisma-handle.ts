// An interactive transaction of Prisma: raw SQL goes in, one method for statements that return rows and one for those that count.
// Its errors hide the database's number, which is dug out so that they are treated like any other.

import { type Handle, isShape, methodOf, refusal, SAVEPOINT, type Shape } from './handle.js'
import type { RunResult } from './runner.js'

const MYSQL = 'mysql'
const RETURNS_ROWS = /^\s*(select|with|show)\b/i
/** Prisma's own code for a transaction that has ended. */
const CLOSED = 'P2028'

export function prismaHandle(tx: Shape): Handle | null {
  const query = methodOf(tx, '$queryRawUnsafe')
  const execute = methodOf(tx, '$executeRawUnsafe')
  if (query === null || execute === null) return null
  if (methodOf(tx, '$connect') !== null) throw refusal('a Prisma client outside $transaction')
  const provider = tx._activeProvider
  if (typeof provider === 'string' && provider !== MYSQL)
    throw refusal(`a Prisma transaction on ${provider}, and this store is on MySQL`)
  const run = async (sql: string): Promise<RunResult> => {
    try {
      if (!RETURNS_ROWS.test(sql)) return { rows: [], affected: (await execute(sql)) as number }
      const rows = (await query(sql)) as Record<string, unknown>[]
      return { rows, affected: rows.length }
    } catch (error) {
      throw databaseError(error)
    }
  }
  return {
    run,
    async savepoint() {
      await run(SAVEPOINT)
      return null
    },
  }
}

function databaseError(error: unknown): unknown {
  if (!isShape(error)) return error
  if (error.code === CLOSED) return refusal('a Prisma transaction that has ended', error)
  const meta = isShape(error.meta) ? error.meta : {}
  const adapterError = isShape(meta.driverAdapterError) ? meta.driverAdapterError : {}
  const cause = isShape(adapterError.cause) ? adapterError.cause : {}
  const errno = Number(cause.originalCode ?? meta.code)
  if (!Number.isSafeInteger(errno)) return error
  const message = cause.originalMessage ?? meta.message ?? error.message
  return Object.assign(new Error(String(message), { cause: error }), {
    errno,
    sqlState: String(cause.state ?? ''),
  })
}
