// Beginning and ending a transaction. PostgreSQL answers COMMIT with ROLLBACK when a statement failed before, and reports no error.

import type { ClientBase, QueryResult } from 'pg'
import { SpillwayError } from '../../errors/index.js'
import type { Statements } from './statements.js'

/**
 * How long a transaction of the store's own may be idle: its process was paused in the middle of it, or its network is gone. The server ends it then,
 * so that nobody waits for its locks.
 */
const IDLE_MS = 5_000

export const BEGIN = `begin isolation level read committed; set local idle_in_transaction_session_timeout = ${IDLE_MS}`

export async function commit(client: ClientBase, statements: Statements): Promise<void> {
  assertCommitted(await client.query(statements.of('commit', [])))
}

export function assertCommitted({ command }: Pick<QueryResult, 'command'>): void {
  if (command === 'COMMIT') return
  throw new SpillwayError(
    'store_unavailable',
    `The database answered COMMIT with ${command}: a statement of the transaction had failed, and nothing of it is stored.`,
    { details: { reason: 'rolled_back' } },
  )
}

/** Undoes what is open; a connection on which that fails is closed by whoever lent it. */
export async function rollback(client: ClientBase, statements: Statements): Promise<void> {
  try {
    await client.query(statements.of('rollback', []))
  } catch {
    // The server undoes it when the connection ends.
  }
}
