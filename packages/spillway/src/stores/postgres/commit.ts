// Ending a transaction. PostgreSQL answers COMMIT with ROLLBACK when a statement failed before, and reports no error.

import type { ClientBase, QueryResult } from 'pg'
import { SpillwayError } from '../../errors/index.js'
import type { Statements } from './statements.js'

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
