// A connection of `mysql2`, with callbacks or promises. Whatever the caller has set for its own queries is overridden for ours.

import { type Handle, isShape, methodOf, refusal, SAVEPOINT, type Shape } from './handle.js'
import type { RunResult } from './runner.js'

/** Flags of the server's status, which it sends with every answer: https://dev.mysql.com/doc/dev/mysql-server/latest/mysql__com_8h.html */
const IN_TRANSACTION = 1
const AUTOCOMMIT = 2

const OWN_WAYS = { rowsAsArray: false, nestTables: false, typeCast: true, namedPlaceholders: false }

export function mysql2Handle(client: Shape): Handle | null {
  if (methodOf(client, 'query') === null) return null
  if (methodOf(client, 'getConnection') !== null)
    throw refusal('a pool, whose every statement is a transaction of its own')
  if (methodOf(client, 'execute') === null)
    throw refusal('no connection of mysql2, and this store is on MySQL')
  return {
    run: async (sql) => resultOf(await query(client, sql)),
    async savepoint() {
      const header = await query(client, SAVEPOINT)
      return isShape(header) && typeof header.serverStatus === 'number' ? isOpen(header.serverStatus) : null
    },
  }
}

async function query(client: Shape, sql: string): Promise<unknown> {
  // A connection with callbacks gives itself with promises as well.
  const promised = methodOf(client, 'promise')?.() ?? client
  const answer = isShape(promised) ? await methodOf(promised, 'query')?.({ ...OWN_WAYS, sql }) : undefined
  return Array.isArray(answer) ? answer[0] : undefined
}

function resultOf(result: unknown): RunResult {
  if (Array.isArray(result)) return { rows: result, affected: result.length }
  const affected = isShape(result) ? Number(result.affectedRows ?? 0) : 0
  return { rows: [], affected }
}

/** Without autocommit a session is always in a transaction. */
function isOpen(status: number): boolean {
  return (status & IN_TRANSACTION) !== 0 || (status & AUTOCOMMIT) === 0
}
