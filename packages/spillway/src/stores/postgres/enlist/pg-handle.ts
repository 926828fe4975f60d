// A client of `pg`, or whatever speaks like one: query(text, values) that resolves with rows and rowCount.

import { type Handle, methodOf, refusal, type Shape } from './handle.js'
import type { RunResult } from './runner.js'

export function pgHandle(client: Shape): Handle | null {
  const query = methodOf(client, 'query')
  if (query === null) return null
  if (methodOf(client, 'execute') !== null)
    throw refusal('a connection to MySQL, and this store is on PostgreSQL')
  if (typeof client.totalCount === 'number')
    throw refusal('a pool, whose every statement is a transaction of its own')
  const status = methodOf(client, 'getTransactionStatus')
  return {
    // Its status is that of the last answer, so it counts only while nothing is on its way.
    isKnownOpen: () => client.readyForQuery === true && status?.() === 'T',
    run: async (sql, values) => resultOf(await query(sql, [...values])),
  }
}

function resultOf(result: unknown): RunResult {
  const { rows, rowCount } = (result ?? {}) as { rows?: unknown; rowCount?: unknown }
  if (!Array.isArray(rows)) throw refusal('not a client of pg: its query() resolves without rows')
  return { rows, affected: typeof rowCount === 'number' ? rowCount : rows.length }
}
